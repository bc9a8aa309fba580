"""The state machine and the claim: one Run at a time for an environment, and every move is checked."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from rows import add_run
from sqlalchemy.orm import Session, sessionmaker

from jobs import repair
from jobs.claims import claim, waiting
from jobs.models import Environment, Run
from jobs.repair import bury_dead_runs, dead_runs
from jobs.requests import create_project
from jobs.settings import Settings
from jobs.states import ACTIVE, FINAL, MOVES, STATES, move


@pytest.mark.parametrize("origin", STATES)
@pytest.mark.parametrize("target", STATES)
def test_only_the_moves_of_the_table_are_made(
    session: Session, environment: Environment, origin: str, target: str
) -> None:
    run = add_run(session, environment, origin)
    allowed = target in MOVES.get(origin, ())
    assert move(session, run.id, target) is allowed
    session.refresh(run)
    assert run.state == (target if allowed else origin)
    assert (run.ended_at is not None) == (allowed and target in FINAL)


def test_every_state_leads_to_an_end() -> None:
    assert all({"failed", "cancelled"} <= set(MOVES[state]) for state in ("queued", *ACTIVE))
    assert all(state not in MOVES for state in FINAL)


def test_of_two_that_move_one_wins(
    sessions: sessionmaker[Session], session: Session, environment: Environment
) -> None:
    run = add_run(session, environment, "verifying")
    with sessions() as one, sessions() as other:
        assert [move(one, run.id, "succeeded"), move(other, run.id, "failed")] == [True, False]


def test_a_run_is_claimed_once(session: Session, environment: Environment) -> None:
    run = add_run(session, environment)
    assert [claim(session, run.id), claim(session, run.id)] == [True, False]
    session.refresh(run)
    assert (run.state, run.worker) == ("building", f"{socket.gethostname()}:{os.getpid()}")


def test_the_oldest_goes_first_and_the_next_waits(
    session: Session, environment: Environment
) -> None:
    first, second = add_run(session, environment), add_run(session, environment)
    assert not claim(session, second.id)
    assert waiting(session) == [first.id]
    assert claim(session, first.id)
    assert waiting(session) == [] and not claim(session, second.id)
    for state in ("planning", "succeeded"):
        move(session, first.id, state)
    assert waiting(session) == [second.id] and claim(session, second.id)


def test_environments_go_side_by_side(session: Session, environment: Environment) -> None:
    other = create_project(session, "blog", "https://example.com/b.git", "main", by="alice")
    runs = [add_run(session, environment), add_run(session, other.environments[0])]
    assert waiting(session) == [run.id for run in runs]
    assert all(claim(session, run.id) for run in runs)


def dead_pid() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@pytest.mark.parametrize("state", ["building", "planning"])
def test_a_dead_workers_run_ends(
    session: Session, settings: Settings, environment: Environment, state: str
) -> None:
    run = add_run(session, environment, state, worker=f"{socket.gethostname()}:{dead_pid()}")
    assert bury_dead_runs(session, settings) == [run.id]
    session.refresh(run)
    assert run.state == "failed" and run.error is not None
    assert run.error["message"] == f"its worker died while it was {state}"
    assert "its worker died" in settings.run_log(run.id).read_text()


def test_what_it_was_applying_is_put_back(
    session: Session, settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(repair, "clear_pending", lambda context: done.append("refreshed"))
    monkeypatch.setattr(repair, "put_back", lambda context: done.append("put back"))
    add_run(session, environment, "applying", worker=f"{socket.gethostname()}:{dead_pid()}")
    bury_dead_runs(session, settings)
    assert done == ["refreshed", "put back"]


@pytest.mark.parametrize("worker", [f"{socket.gethostname()}:{os.getpid()}", "elsewhere:1", None])
def test_a_living_or_foreign_workers_run_is_left(
    session: Session, settings: Settings, environment: Environment, worker: str | None
) -> None:
    run = add_run(session, environment, "applying", worker=worker)
    assert dead_runs(session) == [] and bury_dead_runs(session, settings) == []
    assert session.get_one(Run, run.id).state == "applying"


def test_two_undertakers_bury_once(
    sessions: sessionmaker[Session], session: Session, settings: Settings, environment: Environment
) -> None:
    run = add_run(session, environment, "planning", worker=f"{socket.gethostname()}:{dead_pid()}")
    with sessions() as one, sessions() as other:
        ours: Any = one.get_one(Run, run.id)
        theirs: Any = other.get_one(Run, run.id)
        assert [repair.take_over(one, ours), repair.take_over(other, theirs)] == [True, False]
