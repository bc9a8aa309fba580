"""Which Run may go now: one at a time for an environment, the oldest first."""

from __future__ import annotations

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session, aliased, sessionmaker

from jobs.doorbell import doorbell
from jobs.models import Run, now
from jobs.settings import Settings
from jobs.states import ACTIVE, worker_name


def claim(session: Session, run_id: int) -> bool:
    """Take a queued Run whose environment is idle and which is the oldest that waits there."""
    other = aliased(Run)
    busy = exists().where(
        other.environment_id == Run.environment_id,
        other.id != Run.id,
        other.state.in_(ACTIVE) | ((other.state == "queued") & (other.id < Run.id)),
    )
    taken = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == "queued", ~busy)
        .values(state="building", worker=worker_name(), started_at=now())
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def waiting(session: Session) -> list[int]:
    """The oldest queued Run of each environment in which none is under way."""
    other = aliased(Run)
    busy = exists().where(other.environment_id == Run.environment_id, other.state.in_(ACTIVE))
    oldest = select(func.min(Run.id)).where(Run.state == "queued", ~busy)
    return list(session.scalars(oldest.group_by(Run.environment_id)))


def ring_waiting(sessions: sessionmaker[Session], settings: Settings) -> None:
    with sessions() as session:
        runs = waiting(session)
    ring = doorbell(settings.redis_url)
    for run_id in runs:
        ring(run_id)
