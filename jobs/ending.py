"""Runs that end before their work is done: because somebody wants it, or a newer one replaces them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.models import Environment, Run
from jobs.records import record
from jobs.states import ACTIVE, FINAL, RESTING, change
from stacks.errors import PortwrightError

REPLACING = ("deploy", "rollback", "destroy")
REPLACED = ("deploy",)


def cancel(session: Session, run: Run, *, by: str) -> str:
    """Cancel a Run; returns its state then. One at work is ended by its worker within seconds,
    with the old release serving. Raises PortwrightError where it has ended already."""
    for _ in range(3):  # it may move on between the look and the change
        session.refresh(run)
        if run.state in FINAL:
            raise PortwrightError(
                f"run {run.id} has ended already: it is {run.state}",
                remedy="nothing is to be done",
                path="run",
            )
        if ended(session, run, by):
            session.commit()
            session.refresh(run)
            return run.state
        session.rollback()
    raise PortwrightError("the run moves too fast", remedy="try again", path="run")


def cancel_all(session: Session, environment: Environment, *, by: str) -> None:
    """Cancel every Run of the environment but those that destroy it; the caller commits.

    One that moves on meanwhile is looked at again; one that has ended stays as it is."""
    query = select(Run).where(
        Run.environment_id == environment.id, Run.state.not_in(FINAL), Run.kind != "destroy"
    )
    for run in session.scalars(query.order_by(Run.id)).all():
        for _ in range(3):
            if run.state in FINAL or ended(session, run, by):
                break
            session.refresh(run)


def ended(session: Session, run: Run, by: str) -> bool:
    """End a Run that waits, or have its worker end it; False where it has moved on meanwhile."""
    error = {"path": "", "message": f"{by} cancelled it", "remedy": "ask for it again if need be"}
    at_rest = run.state in RESTING
    if not (
        change(session, run.id, "cancelled", error=error) if at_rest else note(session, run, by)
    ):
        return False
    record(session, by, "run.cancelled", run.environment.project.name, run=run.id)
    return True


def note(session: Session, run: Run, by: str) -> bool:
    """Tell the worker of a Run at work; its guard looks every half second."""
    noted = session.execute(
        update(Run)
        .where(Run.id == run.id, Run.state.in_(ACTIVE))
        .values(cancelled_by=by)
        .execution_options(synchronize_session=False)
    )
    return bool(noted.rowcount)  # type: ignore[attr-defined]


def supersede(session: Session, newer: Run, states: Iterable[str] = ("queued",)) -> list[int]:
    """End the older deploys of the environment that wait in these states: what they would do,
    the newer Run undoes or does better. Returns their ids.

    A deploy bound to a plan's hash was asked for as just that, and stays. The caller commits.
    """
    if newer.kind not in REPLACING:
        return []
    older = session.scalars(
        select(Run).where(
            Run.environment_id == newer.environment_id,
            Run.id < newer.id,
            Run.kind.in_(REPLACED),
            Run.state.in_(tuple(states)),
        )
    )
    ended = []
    for run in older.all():
        if (run.options or {}).get("bound") or run.approved_by:
            continue
        error = {
            "path": "",
            "message": f"run {newer.id} is newer and takes its place",
            "remedy": f"see run {newer.id}",
        }
        if change(session, run.id, "superseded", origin=run.state, error=error):
            ended.append(run.id)
    return ended
