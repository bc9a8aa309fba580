"""A preview as the API gives it and the page shows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from jobs.dns import needs_records
from jobs.feedback.comments import how
from jobs.models import Preview
from jobs.previews import records
from jobs.previews.lifecycle import is_whole
from jobs.previews.names import names_of
from jobs.queries import runs_of, service_urls
from jobs.states import FINAL
from portal.context import settings
from portal.database import db
from portal.runs.shape import iso
from zones.keeping import Kept


def preview_json(preview: Preview) -> dict[str, Any]:
    """status: held, working, failed, asleep, ready, new or closed; words: the same with its cause.
    needs_approval: whether a maintainer must let the fork's commit run."""
    newest = next(iter(runs_of(db.session, preview.environment, 1)), None)
    waits = preview.state == "held" and preview.fork
    return {
        "number": preview.number,
        "title": preview.title,
        "author": preview.author,
        "head_branch": preview.head_branch,
        "base_branch": preview.base_branch,
        "commit": preview.head_commit,
        "fork": preview.fork,
        "pull_request": preview.url if preview.url.startswith(("http://", "https://")) else "",
        "environment": preview.environment.name,
        "state": preview.state,
        "status": status(preview),
        "words": preview.closed or "" if preview.state == "closed" else how(db.session, preview),
        "needs_approval": waits
        and is_whole(preview.head_commit)
        and preview.approved_commit != preview.head_commit,
        "dns": dns(preview),
        "urls": service_urls(db.session, preview.environment, settings()),
        "run": newest.id if newest else None,
        "compared": preview.compared,
        "opened_at": iso(preview.opened_at),
        "expires_at": iso(preview.expires_at),
        "seen_at": iso(preview.seen_at),
        "closed_at": iso(preview.closed_at),
        "gone_at": iso(preview.gone_at),
    }


def dns(preview: Preview) -> dict[str, Any] | None:
    """{names: {name: {ok, words}}, problem: {message, remedy} or None}; None where its names need
    no records, or are another host's. As it was at the last look."""
    elsewhere = preview.project.host is not None
    if preview.state == "closed" or elsewhere or not needs_records(settings()):
        return None
    kept = records.known(settings())
    wanted = names_of(db.session, preview, settings().domain)
    shown = {
        name: kept.names.get(name, Kept(False, "its record is not looked after yet"))
        for name in wanted
    }
    return {
        "names": {name: asdict(each) for name, each in shown.items()},
        "problem": kept.problem,
    }


def status(preview: Preview) -> str:
    if preview.state != "open":
        return preview.state
    newest = next(iter(runs_of(db.session, preview.environment, 1)), None)
    if newest is not None and newest.state not in FINAL:
        return "working"
    if newest is not None and newest.state == "failed":
        return "failed"
    if preview.asleep:
        return "asleep"
    return "ready" if preview.environment.release else "new"
