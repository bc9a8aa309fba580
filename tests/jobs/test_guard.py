"""The guard interrupts a Run's work, and never what puts the world right after it."""

from __future__ import annotations

import os
import threading
import time

import pytest
from rows import add_run
from sqlalchemy.orm import Session, sessionmaker

from jobs import guard as guards
from jobs.claims import claim
from jobs.ending import cancel
from jobs.guard import Guard, Interruption
from jobs.models import Environment, Run
from jobs.settings import Settings


def applying(session: Session, environment: Environment) -> Run:
    run = add_run(session, environment)
    assert claim(session, run)
    run.state = "applying"
    session.commit()
    return run


def test_nothing_is_killed_once_the_repair_has_begun(
    session: Session,
    sessions: sessionmaker[Session],
    settings: Settings,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kill that is on its way when the engine's failure is seen would kill the repair's engine."""
    began, ended = threading.Event(), threading.Event()

    def kill(mark: str) -> list[int]:
        began.set()
        time.sleep(0.3)
        ended.set()
        return []

    monkeypatch.setattr(guards, "kill_marked", kill)
    run = applying(session, environment)
    cancel(session, run, by="bob")
    with Guard(settings, sessions, run) as guard:
        assert began.wait(10) and not ended.is_set()
        with guard.shield():
            assert ended.is_set()
            ended.clear()
            time.sleep(4 * guards.STEP)
            assert not ended.is_set()
        time.sleep(2 * guards.STEP)  # nor is the reason raised again
        assert guard.reason is not None and guard.reason.to == "cancelled"


def test_a_reason_that_comes_at_the_repairs_first_step_does_not_stop_it(
    session: Session,
    sessions: sessionmaker[Session],
    settings: Settings,
    environment: Environment,
) -> None:
    run = applying(session, environment)
    with Guard(settings, sessions, run) as guard:
        guard.over.set()  # the test looks in its place
        guard.thread.join()
        guard.reason = Interruption("cancelled", "bob cancelled it", "ask again")
        guard.killing.acquire()

        def come() -> None:
            time.sleep(0.2)
            os.kill(os.getpid(), guards.SIGNAL)
            time.sleep(0.2)
            guard.killing.release()

        threading.Thread(target=come).start()
        repaired = False
        with guard.shield():  # it waits for the lock when the reason comes
            repaired = True
        assert repaired
