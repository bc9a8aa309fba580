"""A push becomes a deploy of each environment that it is for. Nothing here commits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.events import Push
from forges.filters import Filters, why_not
from forges.skip import skipped
from jobs.hosts.placing import why_not_first
from jobs.models import Environment, Preview, Project, Run, Source
from jobs.previews import lifecycle
from jobs.records import record
from jobs.requests import add_run
from jobs.settings import Settings
from stacks.names import check_ref

FIELDS = ("branches", "tags", "paths")


def filters_of(environment: Environment) -> Filters | None:
    """Which pushes deploy this environment; None: none does.

    Where nothing is said, production's are those to the project's branch.
    """
    said: dict[str, Any] = environment.filters or {}
    branch = environment.branch
    if branch is None and environment.name == "production":
        branch = environment.project.branch
    branches = list(said.get("branches") or ([branch] if branch else []))
    if environment.kind != "standing" or not (branches or said.get("tags")):
        return None
    return Filters(branches, list(said.get("tags") or []), list(said.get("paths") or []))


def set_filters(
    session: Session, environment: Environment, given: dict[str, list[str]], *, by: str
) -> None:
    """Which pushes deploy it: {branches, tags, paths} of patterns. Raises PortwrightError."""
    Filters(**{name: list(given.get(name) or []) for name in FIELDS})
    environment.filters = {name: list(given[name]) for name in FIELDS if given.get(name)}
    record(
        session, by, "environment.filters", environment.project.name,
        environment=environment.name, **environment.filters,
    )  # fmt: skip
    session.commit()


def set_branch(session: Session, environment: Environment, branch: str, *, by: str) -> None:
    """Whose pushes deploy it where its filters name no branches; '' for none (production: the
    project's). Raises PortwrightError."""
    environment.branch = check_ref("branch", branch) if branch else None
    record(
        session, by, "environment.branch", environment.project.name,
        environment=environment.name, branch=environment.branch,
    )  # fmt: skip
    session.commit()


def pushed(
    session: Session, settings: Settings, project: Project, push: Push, *, by: str
) -> tuple[list[Run], str]:
    """The Runs that a push makes; and in words what it made, or why nothing."""
    note_head(session, project, push)
    runs, words = [], []
    if push.deleted and push.branch:
        for preview in of_branch(session, project, push.branch):
            runs.append(lifecycle.close(session, preview, f"branch {push.branch} is gone", by=by))
            words.append(f"the preview of pull request {preview.number} goes")
    if skipped(push.message):
        return runs, "; ".join([*words, "the commit says [skip deploy]"])
    reasons = []
    for environment in project.environments:
        filters = filters_of(environment)
        if filters is None:
            continue
        reason = why_not(filters, push)
        if reason or push.commit is None:
            reasons.append(f"{environment.name}: {reason}")
            continue
        drained = why_not_first(session, environment)
        if drained:
            reasons.append(f"{environment.name}: {drained}")
            continue
        runs.append(add_run(session, environment, "deploy", by=by, ref=push.commit))
        words.append(f"deploys {environment.name}")
    return runs, "; ".join(words or reasons or ["no environment is deployed by pushes"])


def note_head(session: Session, project: Project, push: Push) -> None:
    """What a hook told of needs no poll to find it again."""
    source = session.scalar(select(Source).where(Source.project_id == project.id))
    if source is not None and push.branch:
        source.heads = {**source.heads, push.branch: push.commit}


def of_branch(session: Session, project: Project, branch: str) -> list[Preview]:
    return [
        preview
        for preview in lifecycle.open_previews(session, project)
        if preview.head_branch == branch and not preview.fork
    ]
