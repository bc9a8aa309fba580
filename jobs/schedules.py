"""What is done again and again: when each was last done is in the database, so that a worker that
was away does what it missed, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.models import Schedule, now


def take(session: Session, name: str, every: timedelta, at: datetime | None = None) -> bool:
    """True where this work is due, and the caller is the one to do it. It is first due one
    interval after it was first asked for."""
    at = at or now()
    known = session.get(Schedule, name)
    if known is None:
        session.add(Schedule(name=name, last_at=at))
        try:
            session.commit()
        except IntegrityError:  # another worker was first
            session.rollback()
        return False
    if known.last_at + every > at:
        return False
    taken = session.execute(
        update(Schedule)
        .where(Schedule.name == name, Schedule.last_at == known.last_at)
        .values(last_at=at)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    session.refresh(known)
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def is_due(session: Session, name: str, every: timedelta) -> bool:
    """Whether take() would do something now."""
    known = session.get(Schedule, name)
    return known is None or known.last_at + every <= now()


def run_due(
    session: Session, works: dict[str, tuple[timedelta, Callable[[], object]]]
) -> list[str]:
    """Do what is due; returns the names. An interval of nothing: never."""
    done = []
    for name, (every, work) in works.items():
        if every and take(session, name, every):
            work()
            done.append(name)
    return done
