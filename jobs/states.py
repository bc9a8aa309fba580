"""The state machine of a Run, and the only place that moves one, by conditional UPDATE."""

from __future__ import annotations

import os
import socket
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs.models import Run, now

ACTIVE = ("building", "planning", "applying", "verifying")
FINAL = ("succeeded", "failed", "cancelled")
# No worker holds such a Run: others of its environment may go on.
RESTING = ("queued", "awaiting_approval")
STATES = (*RESTING, *ACTIVE, *FINAL)
MOVES: dict[str, tuple[str, ...]] = {
    "queued": ("building", "planning", "failed", "cancelled"),
    "building": ("planning", "failed", "cancelled"),
    "planning": ("awaiting_approval", "applying", "succeeded", "failed", "cancelled"),
    "awaiting_approval": ("queued", "cancelled"),
    "applying": ("verifying", "succeeded", "failed", "cancelled"),
    "verifying": ("succeeded", "failed", "cancelled"),
}


def worker_name() -> str:
    """host:pid of this process, which a Run keeps while it is under way."""
    return f"{socket.gethostname()}:{os.getpid()}"


def move(session: Session, run_id: int, to: str, **columns: Any) -> bool:
    """Move a Run to a state, with other columns, in a transaction of its own.

    False where the Run's present state does not lead there: somebody else was first.
    """
    origins = [state for state, targets in MOVES.items() if to in targets]
    if to in FINAL:
        columns["ended_at"] = now()
    moved = session.execute(
        update(Run).where(Run.id == run_id, Run.state.in_(origins)).values(state=to, **columns)
    )
    session.commit()
    return bool(moved.rowcount)  # type: ignore[attr-defined]
