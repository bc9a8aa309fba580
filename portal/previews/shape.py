"""A preview as the API gives it and the page shows it."""

from __future__ import annotations

from typing import Any

from jobs.feedback.comments import how
from jobs.models import Preview
from jobs.queries import runs_of, service_addresses
from jobs.states import FINAL
from portal.context import settings
from portal.database import db
from portal.runs.shape import iso


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
        "needs_approval": waits and preview.approved_commit != preview.head_commit,
        "urls": service_addresses(db.session, preview.environment, settings()),
        "run": newest.id if newest else None,
        "compared": preview.compared,
        "opened_at": iso(preview.opened_at),
        "expires_at": iso(preview.expires_at),
        "seen_at": iso(preview.seen_at),
        "closed_at": iso(preview.closed_at),
        "gone_at": iso(preview.gone_at),
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
