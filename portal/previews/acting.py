"""What may be done with a preview. Each commits, and wakes a worker where a Run comes of it."""

from __future__ import annotations

from flask import abort

from jobs.models import Preview, Run
from jobs.previews import lifecycle
from jobs.previews.policy import policy_of
from jobs.records import record
from jobs.visits import wake
from portal.access import get_project, person
from portal.context import doorbell, settings
from portal.database import db
from stacks.errors import PortwrightError

# What each needs; portal.access.NEEDS says of whom.
ACTIONS = {
    "extend": "previews",
    "approve": "forks",
    "deploy": "previews",
    "wake": "previews",
    "close": "previews",
}


def needs(action: str) -> str:
    """404 for what can't be done with a preview."""
    if action not in ACTIONS:
        abort(404)
    return ACTIONS[action]


def get_preview(name: str, number: int, action: str = "read") -> Preview:
    found = lifecycle.preview_numbered(db.session, get_project(name, action), number)
    if found is None:
        abort(404)
    return found


def act(
    preview: Preview, action: str, *, hours: int = 0, commit: str = ""
) -> tuple[str, Run | None]:
    """What came of it in words, and the Run that does it. Raises PortwrightError.

    hours: of `extend`, from now on. commit: of `approve`, the one that was read.
    """
    by = person().email
    number, run = preview.number, None
    if action == "wake":
        return awake(preview), None
    if action == "extend":
        lifecycle.extend(db.session, preview, hours, by=by)
        words = f"It stays until {preview.expires_at:%Y-%m-%d %H:%M} UTC."
    elif action == "close":
        refuse_closed(preview, "closed already")
        run = lifecycle.close(db.session, preview, f"{by} took it away", by=by)
        words = f"The preview of pull request {number} goes, with its volumes."
    else:
        if action == "approve":
            run = lifecycle.approve(db.session, settings(), preview, commit, by=by)
        else:
            run = deployed_again(preview)
        words = (
            f"Commit {preview.head_commit[:10]} is deployed."
            if run
            else f"It waits: {preview.held}."
        )
    db.session.commit()
    if run is not None:
        doorbell()(run.id)
    return words, run


def deployed_again(preview: Preview) -> Run | None:
    refuse_closed(preview, "closed")
    policy = policy_of(preview.project)
    by = person().email
    record(db.session, by, "preview.deploy", preview.project.name, number=preview.number)
    return lifecycle.ask(db.session, settings(), preview, policy, by=by)


def awake(preview: Preview) -> str:
    refuse_closed(preview, "closed")
    if not preview.asleep:
        return "It is awake."
    wake(db.session, preview)
    return "It wakes up within seconds."


def refuse_closed(preview: Preview, state: str) -> None:
    if preview.state == "closed":
        raise PortwrightError(
            f"the preview of pull request {preview.number} is {state}",
            remedy="push to its branch, which opens it again",
            path="preview",
        )
