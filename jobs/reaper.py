"""Runs whose worker died: taken over, their environment put right, and begun once more.

Never a blind re-up: the state is read again from the world, what served is put back where
something was half changed, and the Run goes through the queue and its plan as at first.
"""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import lease, repair
from jobs.context import Context
from jobs.database import session_factory
from jobs.guard import Guard, mark_of
from jobs.log import RunLog
from jobs.models import Environment, Run
from jobs.patience import wait_for_docker
from jobs.settings import Settings
from jobs.states import FINAL, RESTING
from stacks.errors import PortwrightError
from stacks.processes import kill_marked, kill_started

ATTEMPTS = 2
HALF_CHANGED = ("applying", "verifying")
log = logging.getLogger(__name__)


def recover(run_id: int) -> None:
    """In a process of its own: put right what one dead worker held. Harmless where it lives."""
    settings = Settings.from_environ()
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        run = next((each for each in lease.abandoned(session) if each.id == run_id), None)
        if run is None:
            return
        end_owner(run)
        if lease.take_over(session, run) is None:
            return
        with RunLog(settings.run_log(run.id)) as said, Guard(settings, sessions, run) as guard:
            bury(Context(settings, session, run, said, guard))


def end_owner(run: Run) -> None:
    """A worker on this host that hangs must not wake up and go on."""
    owner = lease.Owner.parse(run.worker)
    if owner and owner.here and owner.alive:
        log.error("run %s: its worker hangs and is ended", run.id)
        kill_started(owner.pid, owner.started)


def bury(context: Context) -> None:
    """The Run queued again, or at its end; its environment as it was before the Run."""
    run, was = context.run, context.run.state
    context.log(f"its worker died while it was {was}")
    with context.guard.shield():
        killed = kill_marked(mark_of(context.settings, run.id))
        if killed:
            context.log(f"ended what it had left running: {len(killed)} processes")
        if was in HALF_CHANGED:
            wait_for_docker(context.ping)
            clear_pending(context)
            if run.kind not in ("destroy", "refresh"):
                repair.put_back(context)
    to, error = verdict(run, was)
    context.log("it is begun once more" if to == "queued" else f"run {run.id} {to}")
    context.move(to, error=error)


def verdict(run: Run, was: str) -> tuple[str, dict[str, str] | None]:
    """The state that follows, and why."""
    if run.cancelled_by:
        return "cancelled", told(f"{run.cancelled_by} cancelled it", "ask for it again if need be")
    if run.attempts < ATTEMPTS:
        return "queued", None
    return "failed", told(
        f"its worker died while it was {was}, and so at the attempt before",
        "see whether the host has enough memory; what served before serves still",
    )


def told(message: str, remedy: str) -> dict[str, str]:
    return {"path": "", "message": message, "remedy": remedy}


def clear_pending(context: Context) -> None:
    try:
        context.engine.refresh(context.log)
    except PortwrightError as error:
        context.log(f"the state could not be refreshed: {error}")


def free_orphaned_leases(session: Session) -> list[int]:
    """Leases of Runs that are at no work any more; returns the environments' ids."""
    held = select(Environment, Run).join(Run, Run.id == Environment.lease_run)
    freed = []
    for environment, _ in session.execute(held.where(Run.state.in_((*FINAL, *RESTING)))):
        environment.lease_run, environment.lease_until = None, None
        freed.append(environment.id)
    session.commit()
    return freed
