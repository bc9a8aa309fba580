"""What a project's services print: a page, text to search and download, and a live stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.models import Environment, Secret
from jobs.redact import Redactor
from jobs.terminal import clean
from jobs.ticks import place_of
from jobs.vault import open_all
from portal.access import get_environment, get_project, in_environment
from portal.api import blueprint as api
from portal.api.numbers import number_in_query
from portal.context import settings
from portal.database import db
from portal.errors import Refused
from portal.projects import blueprint
from portal.runs.stream import event
from stacks.errors import PortwrightError
from stacks.images.engine import connect
from stacks.service_logs import MOST, Following, Line, chosen, newest
from stacks.world import Place

DEFAULT = 500
READERS = threading.BoundedSemaphore(8)
LONGEST = 600.0
LOOK = 5.0
LINE = 16 * 1024  # characters shown of a line, cut when its secrets are out


def redactor(environment: Environment) -> Redactor:
    """Hides every secret that the project ever had: containers may still hold an old one."""
    rows = db.session.scalars(
        select(Secret).where(Secret.project_id == environment.project_id)
    ).all()
    return Redactor(open_all(rows, settings().key("vault-key")))


def shown(line: Line, hide: Redactor) -> str:
    return (
        f"{line.at[:19].replace('T', ' ')} {line.service} | {hide.redact(clean(line.text))[:LINE]}"
    )


def lines_of(environment: Environment) -> list[str]:
    """As the query asks: service, tail (of what Docker has kept), q (a part of a line)."""
    tail = number_in_query("tail", DEFAULT, lowest=1, highest=MOST)
    wanted = request.args.get("q", "")[:200].casefold()
    client = connect()
    try:
        place = place_of(settings(), environment)
        found = chosen(client, place, service_asked())
        lines = newest(found, MOST if wanted else tail)
    finally:
        client.close()
    hide = redactor(environment)
    texts = (shown(line, hide) for line in lines)
    return [text for text in texts if wanted in text.casefold()][-tail:]


def service_asked() -> str:
    name = request.args.get("service", "")
    if name and not (len(name) <= 40 and name.replace("-", "").replace("_", "").isalnum()):
        raise PortwrightError(
            f"{name[:40]!r} is no service", remedy="choose one of the project's", path="service"
        )
    return name


@blueprint.get("/projects/<name>/logs")
def logs(name: str) -> ResponseReturnValue:
    environment = get_environment(name)
    try:
        lines, problem = lines_of(environment), None
    except PortwrightError as error:
        lines, problem = [], error.to_json()
    asked = {key: request.args[key] for key in ("service", "q") if request.args.get(key)}
    here = {**in_environment(environment), **asked}
    return render_template(
        "projects/logs.html",
        project=get_project(name),
        environment=environment,
        here=in_environment(environment),
        lines=lines,
        problem=problem,
        text=url_for("api.service_logs", name=name, **here),
        download=url_for("api.service_logs", name=name, download="yes", tail=MOST, **here),
        stream=None if asked.get("q") else url_for("api.follow_services", name=name, **here),
    )


@api.get("/projects/<name>/logs")
def service_logs(name: str) -> ResponseReturnValue:
    """text/plain, oldest line first; ?download=yes as a file."""
    environment = get_environment(name)
    text = "".join(f"{line}\n" for line in lines_of(environment))
    response = Response(text, mimetype="text/plain")
    if request.args.get("download"):
        file = f"{name}-{environment.name}.log"
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


@api.get("/projects/<name>/logs/stream")
def follow_services(name: str) -> ResponseReturnValue:
    """Server-sent events, from Last-Event-ID (a moment with nanoseconds) on, else from now on."""
    environment = get_environment(name)
    service, hide = service_asked(), redactor(environment)
    place, after = place_of(settings(), environment), request.headers.get("Last-Event-ID", "")[:40]
    if not READERS.acquire(blocking=False):
        raise Refused(503, "Too many people follow logs now.", "Try again in a minute.")
    response = Response(followed(place, service, after, hide), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(READERS.release)
    return response


def followed(place: Place, service: str, after: str, hide: Redactor) -> Iterator[str]:
    yield "retry: 2000\n\n"
    began = time.monotonic()
    client = connect()
    following = Following(chosen(client, place, service), after, 0)
    try:
        while time.monotonic() - began < LONGEST:
            lines = sorted(following.take(LOOK))
            if not lines:
                yield ": still here\n\n"
                continue
            text = "\n".join(shown(line, hide) for line in lines)
            yield event("log", text, lines[-1].at)
    finally:
        following.close()
        client.close()
