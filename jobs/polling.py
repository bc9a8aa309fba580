"""Looking at the forges by ourselves: a webhook that was lost, or never set up, loses nothing.

Branch heads by git itself, open pull requests by the forge's API. What differs from what is
known is treated as if a webhook had told of it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.client import Client
from forges.errors import Later
from forges.events import PullRequest, Push, Repository
from jobs import pushes
from jobs.models import Environment, Project, Run, Source, now
from jobs.previews import lifecycle
from jobs.previews.policy import policy_of
from jobs.requests import Doorbell
from jobs.settings import Settings
from jobs.source import heads
from jobs.sources import access_of, client_of, full_name_of, guard_of
from stacks.errors import PortwrightError

BY = "poll"
log = logging.getLogger(__name__)


def due(session: Session) -> list[int]:
    """Ids of the sources whose time has come."""
    return [
        source.id
        for source in session.scalars(select(Source).where(Source.poll_minutes > 0))
        if source.project.deleted_at is None
        and (
            source.polled_at is None
            or source.polled_at + timedelta(minutes=source.poll_minutes) <= now()
        )
    ]


def poll(session: Session, ring: Doorbell, settings: Settings, source: Source) -> list[Run]:
    """Ask git and the forge; the Runs that come of it. A problem is kept with the source."""
    source.polled_at = now()
    session.commit()
    try:
        runs = poll_heads(session, settings, source)
        runs += poll_pulls(session, settings, source)
        source.problem = None
    except Later as later:
        source.polled_at = now() + timedelta(seconds=later.seconds)
        session.commit()
        return []
    except PortwrightError as error:
        session.rollback()
        source.problem = {"message": error.message, "remedy": error.remedy}
        session.commit()
        return []
    session.commit()
    for run in runs:
        ring(run.id)
    return runs


def poll_heads(session: Session, settings: Settings, source: Source) -> list[Run]:
    project, known = source.project, dict(source.heads)
    seen = heads(access_of(settings, project, source), resolve=guard_of(settings).resolve)
    runs: list[Run] = []
    for branch in sorted({*known, *seen}):
        before, commit = known.get(branch), seen.get(branch)
        if before == commit:
            continue
        first_look = not known
        push = Push(
            branch=branch, tag=None, before=before, commit=commit, message="", paths=None,
            deleted=commit is None, repository=Repository("", "", ""),
        )  # fmt: skip
        if commit and (first_look or deployed_before(session, project, commit)):
            continue
        runs += pushes.pushed(session, settings, project, push, by=BY)[0]
    source.heads = {branch: commit for branch, commit in seen.items()}
    return runs


def deployed_before(session: Session, project: Project, commit: str) -> bool:
    """Whether a Run of this commit was asked for already."""
    query = (
        select(Run.id)
        .join(Environment)
        .where(Environment.project_id == project.id, Environment.kind == "standing")
        .where((Run.commit == commit) | (Run.ref == commit), Run.kind == "deploy")
        .limit(1)
    )
    return session.scalar(query) is not None


def poll_pulls(session: Session, settings: Settings, source: Source) -> list[Run]:
    """Open what a webhook should have told of, and close what the forge no longer knows as open."""
    project = source.project
    client = client_of(settings, source)
    if client is None or not policy_of(project).enabled:
        return []
    there = {pull.number: pull for pull in client.pull_requests(full_name_of(project, source))}
    return reconciled(session, settings, project, client, there)


def reconciled(
    session: Session,
    settings: Settings,
    project: Project,
    client: Client,
    there: dict[int, PullRequest],
) -> list[Run]:
    runs: list[Run] = []
    known = {each.number: each for each in lifecycle.all_previews(session, project)}
    for preview in known.values():
        if preview.state != "closed" and preview.number not in there:
            why = f"{lifecycle.AT_FORGE} {preview.number} is open no more"
            runs.append(lifecycle.close(session, preview, why, by=BY))
    for pull in there.values():
        # One that was closed here, by its time or by a person, stays so until its branch moves.
        before = known.get(pull.number)
        again = before is not None and lifecycle.closed_at_forge(before)
        seen = replace(pull, action="reopened" if again else "updated")
        runs += lifecycle.told(session, settings, project, seen, by=BY)[0]
    return runs
