"""/api/runs/<id>/log: plain text by offset for programs, a stream of HTML lines for pages."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.models import Run
from jobs.states import FINAL
from portal.access import get_run
from portal.api import blueprint
from portal.api.numbers import number, number_in_query
from portal.context import settings
from portal.database import db
from portal.runs.hub import Hubs
from portal.runs.log import read
from portal.runs.stream import stream
from portal.streams import RUN_READERS, event_stream

LARGEST = 1024 * 1024
HUBS = Hubs()


@blueprint.get("/runs/<int:run_id>/log", endpoint="run_log")
def run_log(run_id: int) -> ResponseReturnValue:
    """Up to 1 MiB from ?offset on. All is read once a final run leaves the offset as it was."""
    run = get_run(run_id)
    offset = number_in_query("offset", 0)
    piece = read(settings().run_log(run.id), offset, final=run.state in FINAL, size=LARGEST)
    response = Response(piece.text, mimetype="text/plain")
    response.headers["X-Next-Offset"] = str(piece.next)
    response.headers["X-Run-State"] = run.state
    return response


@blueprint.get("/runs/<int:run_id>/log/stream")
def stream_log(run_id: int) -> ResponseReturnValue:
    """Server-sent events from Last-Event-ID, or else from ?offset, on; 503 where all places
    for readers are taken. Lines are HTML: escaped, colours as spans."""
    run = get_run(run_id)
    resumed = request.headers.get("Last-Event-ID")
    offset = number("Last-Event-ID", resumed, 0, 2**40) if resumed else number_in_query("offset", 0)
    engine, query = db.engine, select(Run.state).where(Run.id == run.id)

    def state_of() -> str:
        with engine.connect() as connection:
            return connection.scalar(query) or "cancelled"

    lines = stream(HUBS, settings().run_log(run.id), offset, state_of)
    return event_stream(lines, RUN_READERS)
