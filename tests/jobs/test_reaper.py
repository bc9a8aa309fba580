"""What a dead worker held: who is dead, who takes over, and what becomes of its Run."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from rows import add_run
from sqlalchemy.orm import Session, sessionmaker

from jobs import lease, reaper, repair
from jobs.claims import claim
from jobs.context import Context
from jobs.database import session_factory
from jobs.guard import Guard
from jobs.lease import Owner, abandoned, this_process
from jobs.log import RunLog
from jobs.models import Environment, Run, now
from jobs.settings import Settings
from jobs.states import ACTIVE


def gone() -> Owner:
    """A process of this host that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    me = this_process()
    return Owner(me.host, me.boot, child.pid, me.started)


def held(
    session: Session, environment: Environment, state: str, owner: Owner, **columns: Any
) -> Run:
    run = add_run(session, environment)
    assert claim(session, run)
    run.state, run.worker = state, str(owner)
    for key, value in columns.items():
        setattr(run, key, value)
    session.commit()
    return run


def test_an_owner_is_read_back_as_it_was_written() -> None:
    assert Owner.parse(str(this_process())) == this_process()
    assert Owner.parse("host:12") is None and Owner.parse(None) is None


def test_a_reused_pid_and_an_earlier_boot_are_no_owner() -> None:
    me = this_process()
    assert me.alive
    assert not Owner(me.host, me.boot, me.pid, me.started + 1).alive
    assert not Owner(me.host, "another", me.pid, me.started).alive


@pytest.mark.parametrize(
    ("owner", "late_s", "is_abandoned"),
    [
        (this_process(), -10, False),
        (this_process(), 30, False),  # the database may have been away
        (this_process(), 61, True),  # it hangs
        (gone(), -10, True),
        (Owner("elsewhere", "b", 1, 1), -10, False),
        (Owner("elsewhere", "b", 1, 1), 1, True),
    ],
)
def test_who_is_given_up(
    session: Session, environment: Environment, owner: Owner, late_s: int, is_abandoned: bool
) -> None:
    run = held(session, environment, "applying", owner)
    environment.lease_until = now() - timedelta(seconds=late_s)
    session.commit()
    assert [each.id for each in abandoned(session)] == ([run.id] if is_abandoned else [])


def test_two_undertakers_bury_once(
    sessions: sessionmaker[Session], session: Session, environment: Environment
) -> None:
    run = held(session, environment, "planning", gone())
    with sessions() as one, sessions() as other:
        ours, theirs = one.get_one(Run, run.id), other.get_one(Run, run.id)
        assert [lease.take_over(one, ours), lease.take_over(other, theirs)] == [2, None]


def bury(
    session: Session, settings: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Take over and bury; what was done to the environment. The engine and Docker are not here."""
    done: list[str] = []
    monkeypatch.setattr(reaper, "wait_for_docker", lambda ping: True)
    monkeypatch.setattr(Context, "docker", None)
    monkeypatch.setattr(reaper, "clear_pending", lambda context: done.append("refreshed"))
    monkeypatch.setattr(repair, "put_back", lambda context: done.append("put back"))
    assert lease.take_over(session, run)
    sessions = session_factory(settings.database_url)
    with RunLog(settings.run_log(run.id)) as log, Guard(settings, sessions, run) as guard:
        reaper.bury(Context(settings, session, run, log, guard))
    session.refresh(run)
    return done


@pytest.mark.parametrize("state", ACTIVE)
def test_the_run_of_a_dead_worker_is_begun_once_more(
    session: Session,
    settings: Settings,
    environment: Environment,
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = held(session, environment, state, gone())
    done = bury(session, settings, run, monkeypatch)
    assert done == (["refreshed", "put back"] if state in ("applying", "verifying") else [])
    assert (run.state, run.error) == ("queued", None)
    assert f"its worker died while it was {state}" in settings.run_log(run.id).read_text()
    session.refresh(environment)
    assert environment.lease_run is None


def test_a_run_that_kills_its_worker_twice_fails(
    session: Session,
    settings: Settings,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = held(session, environment, "applying", gone(), attempts=2)
    bury(session, settings, run, monkeypatch)
    assert run.state == "failed" and run.error is not None
    assert "so at the attempt before" in run.error["message"]


def test_one_that_was_being_cancelled_is_cancelled(
    session: Session, settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held(session, environment, "planning", gone(), cancelled_by="alice")
    bury(session, settings, run, monkeypatch)
    assert run.state == "cancelled"


def test_a_destroy_is_not_undone(
    session: Session, settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held(session, environment, "applying", gone(), kind="destroy")
    assert bury(session, settings, run, monkeypatch) == ["refreshed"]
    assert run.state == "queued"


def test_a_worker_that_hangs_is_ended_before_it_is_replaced(
    session: Session, environment: Environment
) -> None:
    child = subprocess.Popen(["sleep", "60"])
    me = this_process()
    from stacks.processes import start_time

    owner = Owner(me.host, me.boot, child.pid, start_time(child.pid) or 0)
    reaper.end_owner(held(session, environment, "applying", owner))
    assert child.wait(5) == -9


def test_a_lease_whose_run_has_ended_is_freed(session: Session, environment: Environment) -> None:
    run = held(session, environment, "applying", this_process())
    assert reaper.free_orphaned_leases(session) == []
    run.state = "failed"
    session.commit()
    assert reaper.free_orphaned_leases(session) == [environment.id]
    assert os.getpid() == this_process().pid
