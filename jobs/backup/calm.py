"""Copying while nothing is applied, without holding anybody up: look, copy, look again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from jobs.models import Project, Run
from jobs.states import ACTIVE, FINAL
from stacks.errors import PortwrightError

T = TypeVar("T")
# Also a Run that plans may write the engine's state: it forgets what is gone from the host.
WRITING = tuple(state for state in ACTIVE if state != "building")
PATIENCE = 3600.0
STEP = 1.0


def while_nothing_applies(
    session: Session, work: Callable[[], T], patience: float = PATIENCE, host: int | None = None
) -> T:
    """The result of `work`, done while no Run wrote the engine's state or changed containers.

    host: the id of another host; only Runs of its projects count. It is done again where one did
    meanwhile. Raises PortwrightError where there was no such moment.
    """
    deadline = time.monotonic() + patience
    while True:
        before = runs(session, host)
        if before is not None:
            made = work()
            if runs(session, host) == before:
                return made
        if time.monotonic() > deadline:
            raise PortwrightError(
                "there was no moment without a deploy",
                remedy="back up when less is deployed",
                path="backup",
            )
        time.sleep(STEP)


def runs(session: Session, host: int | None = None) -> tuple[object, ...] | None:
    """What tells one moment from another; None while something is applied."""
    session.rollback()
    there = Project.host_id == host if host else true()
    query = select(Run.id, Run.state).join(Run.environment).join(Project).where(there)
    unfinished = [
        (row[0], row[1])
        for row in session.execute(query.where(Run.state.not_in(FINAL)).order_by(Run.id))
    ]
    newest = session.scalar(query.with_only_columns(func.max(Run.id)))
    session.rollback()
    if any(state in WRITING for _, state in unfinished):
        return None
    return (newest, *unfinished)
