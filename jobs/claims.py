"""Which Run goes next, and taking it: one at a time for an environment, fair among projects."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs import lease
from jobs.models import Run, now
from jobs.pressure import shortage, shortage_there
from jobs.settings import Settings
from jobs.states import ACTIVE

BUILDS = ("plan", "deploy")


@dataclass(frozen=True)
class Waiting:
    """A queued Run and why it does not go yet; an empty reason: it goes as soon as a worker is free."""

    run: Run
    reason: str


def builds(run: Run) -> bool:
    """Whether its first phase makes images; what goes back to a release makes none."""
    return run.kind in BUILDS and run.target is None


def line_up(session: Session, settings: Settings) -> list[Waiting]:
    """All queued Runs in the order in which they are taken.

    The larger priority first; then the project that has the least at work; then the oldest.
    """
    active = list(session.scalars(select(Run).where(Run.state.in_(ACTIVE))))
    queued = list(session.scalars(select(Run).where(Run.state == "queued")))
    at_work = Counter(run.environment.project_id for run in active)
    building = Counter(
        run.environment.project_id for run in active if run.state == "building" and builds(run)
    )
    short = shortage(settings) if queued else ""
    taken = {run.environment_id for run in active}
    lined: list[Waiting] = []
    while queued:
        run = min(queued, key=lambda r: (-r.priority, at_work[r.environment.project_id], r.id))
        queued.remove(run)
        reason = ""
        if run.environment_id in taken or run.environment.lease_run is not None:
            reason = (
                f"another run of {run.environment.project.name} {run.environment.name} is before it"
            )
        elif short and run.kind in BUILDS:
            reason = short
        elif run.kind in BUILDS and (
            there := shortage_there(run.environment.project.host, settings)
        ):
            reason = there
        elif builds(run) and (full := no_build_slot(run, building, settings)):
            reason = full
        else:
            building[run.environment.project_id] += builds(run)
        if not reason or run.environment_id not in taken:
            at_work[run.environment.project_id] += 1
        taken.add(run.environment_id)
        lined.append(Waiting(run, reason))
    return lined


def no_build_slot(run: Run, building: Counter[int], settings: Settings) -> str:
    """Why the Run's build has to wait; empty where it does not. building: builds by project."""
    project = run.environment.project
    if building.total() >= settings.builds:
        return f"{building.total()} of {settings.builds} builds are running"
    if building[project.id] >= settings.builds_per_project:
        return f"{building[project.id]} of {settings.builds_per_project} builds of {project.name} are running"
    return ""


def claimable(session: Session, settings: Settings) -> list[Run]:
    """Those that a free worker would take now, in order."""
    return [each.run for each in line_up(session, settings) if not each.reason]


def claim_next(session: Session, settings: Settings) -> Run | None:
    """Take the Run that is next; None where none may go. Its state is then `building`."""
    with one_at_a_time(settings):
        at_work = select(Run.id).where(Run.state.in_(ACTIVE))
        if len(session.scalars(at_work).all()) >= settings.workers:
            return None
        for run in claimable(session, settings):
            if claim(session, run):
                return run
    return None


def claim(session: Session, run: Run) -> bool:
    """Take this queued Run with its environment's lease; False where either was taken before."""
    token = lease.acquire(session, run)
    taken = (
        update(Run)
        .where(Run.id == run.id, Run.state == "queued")
        .values(
            state="building",
            token=token,
            worker=str(lease.this_process()),
            started_at=run.started_at or now(),
            attempts=Run.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )
    if token is None or not session.execute(taken).rowcount:  # type: ignore[attr-defined]
        session.rollback()
        return False
    session.commit()
    session.refresh(run)
    session.refresh(run.environment)
    return True


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Workers choose one after the other, so that limits hold; the kernel frees what dies."""
    folder = settings.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "claim.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
