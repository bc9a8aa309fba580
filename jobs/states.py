"""The state machine of a Run, and the only place that moves one, by conditional UPDATE.

Who works at a Run holds its environment's lease, and moves it with the lease's token: where
the lease was taken over, the token is another one and the move does nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs.models import Environment, Run, now

ACTIVE = ("building", "planning", "applying", "verifying")
FINAL = ("succeeded", "failed", "cancelled", "superseded")
# No worker holds such a Run: others of its environment may go on.
RESTING = ("queued", "awaiting_approval")
STATES = (*RESTING, *ACTIVE, *FINAL)
MOVES: dict[str, tuple[str, ...]] = {
    "queued": ("building", "failed", "cancelled", "superseded"),
    "building": ("queued", "planning", "failed", "cancelled"),
    "planning": ("queued", "awaiting_approval", "applying", "succeeded", "failed", "cancelled"),
    "awaiting_approval": ("queued", "cancelled", "superseded"),
    "applying": ("queued", "verifying", "succeeded", "failed", "cancelled"),
    "verifying": ("queued", "succeeded", "failed", "cancelled"),
}


def move(
    session: Session,
    run_id: int,
    to: str,
    *,
    token: int | None = None,
    origin: str | None = None,
    **columns: Any,
) -> bool:
    """Move a Run to a state, with other columns, in a transaction of its own; see change()."""
    moved = change(session, run_id, to, token=token, origin=origin, **columns)
    session.commit()
    return moved


def change(
    session: Session,
    run_id: int,
    to: str,
    *,
    token: int | None = None,
    origin: str | None = None,
    **columns: Any,
) -> bool:
    """Move a Run; the caller commits.

    token: of the lease that the caller works under; None for those who hold none. origin:
    the only state to move from, where not every one that leads there will do. A Run
    that comes to rest or ends gives its environment free in the same transaction. False
    where the Run's present state does not lead there, or the lease is another's by now.
    """
    origins = [
        state for state, targets in MOVES.items() if to in targets and origin in (None, state)
    ]
    if to in FINAL:
        columns["ended_at"] = now()
    if to in (*FINAL, *RESTING):
        columns["worker"] = None
    mine = update(Run).where(Run.id == run_id, Run.state.in_(origins))
    if token is not None:
        mine = mine.where(Run.token == token)
    moved = session.execute(mine.values(state=to, **columns))
    if moved.rowcount and to in (*FINAL, *RESTING):  # type: ignore[attr-defined]
        session.execute(
            update(Environment)
            .where(Environment.lease_run == run_id)
            .values(lease_run=None, lease_until=None)
        )
    return bool(moved.rowcount)  # type: ignore[attr-defined]
