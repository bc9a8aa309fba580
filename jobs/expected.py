"""How long a queued Run is likely to wait: from what Runs of the last weeks took."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.claims import line_up
from jobs.models import Run, now
from jobs.settings import Settings
from jobs.states import ACTIVE

SAMPLE = 50
UNKNOWN_S = 30.0


@dataclass(frozen=True)
class Place:
    """A queued Run's place in the line, from 1 on. wait_s: seconds until a worker takes it,
    None where nobody can tell (the host is short of room)."""

    run: Run
    position: int
    reason: str
    wait_s: float | None


def usual_s(session: Session, kind: str) -> float:
    """The median of what Runs of this kind took, in seconds."""
    query = (
        select(Run)
        .where(Run.kind == kind, Run.state == "succeeded", Run.started_at.is_not(None))
        .order_by(Run.id.desc())
        .limit(SAMPLE)
    )
    took = [
        (run.ended_at - run.started_at).total_seconds()
        for run in session.scalars(query)
        if run.ended_at and run.started_at
    ]
    return statistics.median(took) if took else UNKNOWN_S


def places(session: Session, settings: Settings) -> list[Place]:
    """The line as it stands: each queued Run is given to the worker that is free first, and
    waits for the one before it in its environment."""
    usual: dict[str, float] = {}

    def length(kind: str) -> float:
        if kind not in usual:
            usual[kind] = usual_s(session, kind)
        return usual[kind]

    at = now()
    free = [0.0] * settings.workers
    environments: dict[int, float] = {}
    for run in session.scalars(select(Run).where(Run.state.in_(ACTIVE))):
        begun = (at - run.started_at).total_seconds() if run.started_at else 0.0
        left = max(1.0, length(run.kind) - begun)
        worker = free.index(min(free))
        free[worker] += left
        environments[run.environment_id] = left
    found = []
    for position, each in enumerate(line_up(session, settings), 1):
        worker = free.index(min(free))
        begins = max(free[worker], environments.get(each.run.environment_id, 0.0))
        short = "free and a deploy needs" in each.reason
        found.append(Place(each.run, position, each.reason, None if short else begins))
        free[worker] = begins + length(each.run.kind)
        environments[each.run.environment_id] = free[worker]
    return found
