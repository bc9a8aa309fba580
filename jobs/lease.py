"""An environment's lease: who is at work there, kept alive by a heartbeat, fenced by a token.

The token counts up with each holder (the fencing token of M. Kleppmann, "How to do
distributed locking", 2016): whatever an earlier holder still tries, its token is too old.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.models import Environment, Run, now
from jobs.states import ACTIVE
from stacks.processes import boot, start_time

LIFETIME = timedelta(seconds=15)
# A worker on this host that lives is given longer: the database may have been away.
PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True)
class Owner:
    """A process, named so that a reused pid is never mistaken for it."""

    host: str
    boot: str
    pid: int
    started: int

    @property
    def here(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Only to be asked of a process on this host."""
        return self.boot == boot() and start_time(self.pid) == self.started

    def __str__(self) -> str:
        return f"{self.host}:{self.boot}:{self.pid}:{self.started}"

    @classmethod
    def parse(cls, text: str | None) -> Owner | None:
        parts = (text or "").rsplit(":", 3)
        if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
            return None
        return cls(parts[0], parts[1], int(parts[2]), int(parts[3]))


def this_process() -> Owner:
    return Owner(socket.gethostname(), boot(), os.getpid(), start_time(os.getpid()) or 0)


def acquire(session: Session, run: Run) -> int | None:
    """Take the free lease of the Run's environment; its token, None where it is not free.

    The caller commits it with what it does under it.
    """
    taken = session.execute(
        update(Environment)
        .where(Environment.id == run.environment_id, Environment.lease_run.is_(None))
        .values(
            lease_run=run.id,
            lease_token=Environment.lease_token + 1,
            lease_until=now() + LIFETIME,
        )
        .execution_options(synchronize_session=False)
    )
    return token_of(session, run) if taken.rowcount else None  # type: ignore[attr-defined]


def token_of(session: Session, run: Run) -> int | None:
    query = select(Environment.lease_token).where(Environment.id == run.environment_id)
    return session.scalar(query)


def renew(session: Session, environment_id: int, token: int) -> bool:
    """The heartbeat; False where the lease is another's by now."""
    kept = session.execute(
        update(Environment)
        .where(Environment.id == environment_id, Environment.lease_token == token)
        .values(lease_until=now() + LIFETIME)
    )
    session.commit()
    return bool(kept.rowcount)  # type: ignore[attr-defined]


def holds(session: Session, environment_id: int, token: int) -> bool:
    """Within a transaction: whether what follows may still be written under this token."""
    kept = session.execute(
        update(Environment)
        .where(Environment.id == environment_id, Environment.lease_token == token)
        .values(lease_token=token)
    )
    return bool(kept.rowcount)  # type: ignore[attr-defined]


def take_over(session: Session, run: Run) -> int | None:
    """Become the Run's worker in another's place; the new token, None where somebody was first."""
    token = run.token
    taken = session.execute(
        update(Environment)
        .where(Environment.id == run.environment_id, Environment.lease_token == token)
        .values(lease_run=run.id, lease_token=(token or 0) + 1, lease_until=now() + LIFETIME)
        .execution_options(synchronize_session=False)
    )
    mine = session.execute(
        update(Run)
        .where(Run.id == run.id, Run.token == token, Run.state.in_(ACTIVE))
        .values(token=(token or 0) + 1, worker=str(this_process()))
        .execution_options(synchronize_session=False)
    )
    if not (taken.rowcount and mine.rowcount):  # type: ignore[attr-defined]
        session.rollback()
        return None
    session.commit()
    session.refresh(run)
    return run.token


def abandoned(session: Session) -> list[Run]:
    """Runs at work whose worker is gone, or has not renewed its lease for too long."""
    found = []
    for run in session.scalars(select(Run).where(Run.state.in_(ACTIVE))):
        owner = Owner.parse(run.worker)
        until = run.environment.lease_until
        late = now() - until if until else PATIENCE
        if (
            owner is None
            or (owner.here and not owner.alive)
            or late > (PATIENCE if owner.here else timedelta(0))
        ):
            found.append(run)
    return found
