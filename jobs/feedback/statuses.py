"""Commit states: of each deploy, at the commit that it is about."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.asked import State
from forges.client import Client
from jobs.models import Environment, Run, Source, now
from jobs.settings import Settings
from jobs.sources import full_name_of

# A state and the words beside it, by the Run's state.
SHOWN: dict[str, tuple[State, str]] = {
    "queued": ("pending", "waits for its turn"),
    "awaiting_approval": ("pending", "its plan waits for a yes"),
    "building": ("running", "builds"),
    "planning": ("running", "is planned"),
    "applying": ("running", "is rolled out"),
    "verifying": ("running", "is looked at"),
    "succeeded": ("success", "serves"),
    "failed": ("failure", "failed; what served before serves still"),
    "cancelled": ("cancelled", "was cancelled"),
    "superseded": ("cancelled", "a newer commit took its place"),
}
REMEMBERED = timedelta(days=1)
MOST = 50


def untold(session: Session, source: Source) -> list[Run]:
    """Deploys of the project whose state its forge does not know yet, the oldest first."""
    query = (
        select(Run)
        .join(Environment)
        .where(Environment.project_id == source.project_id, Run.kind == "deploy")
        .where(Run.state.is_distinct_from(Run.told), Run.created_at > now() - REMEMBERED)
        .order_by(Run.id)
        .limit(MOST)
    )
    return [run for run in session.scalars(query) if commit_of(run)]


def commit_of(run: Run) -> str | None:
    """What is known of it so far: a hook names the commit before it is checked out."""
    if run.commit:
        return run.commit
    ref = run.ref or ""
    return ref if len(ref) == 40 and not set(ref) - set("0123456789abcdef") else None


def tell(session: Session, settings: Settings, source: Source, client: Client) -> None:
    """Raises PortwrightError where the forge does not take it; what was told before stays told."""
    name = full_name_of(source.project, source)
    for run in untold(session, source):
        state, words = SHOWN[run.state]
        said = run.state
        client.set_status(
            name,
            commit_of(run) or "",
            state,
            f"{settings.portal_url}/runs/{run.id}",
            words,
            f"portwright/{run.environment.name}",
        )
        run.told = said
        session.commit()
