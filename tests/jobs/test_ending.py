"""Cancelling, and the newest push that takes the place of those before it."""

from __future__ import annotations

import pytest
from rows import add_release, add_run
from sqlalchemy.orm import Session

from jobs.claims import claim
from jobs.deletion import request_deletion
from jobs.ending import cancel, supersede
from jobs.models import Environment, Event, Run
from jobs.requests import request_run
from jobs.states import ACTIVE, FINAL
from stacks.errors import PortwrightError


def quiet(_: int) -> None:
    return


def states(session: Session, *runs: Run) -> list[str]:
    for run in runs:
        session.refresh(run)
    return [run.state for run in runs]


def test_the_newest_push_takes_the_place_of_those_that_wait(
    session: Session, environment: Environment
) -> None:
    first, second, third = (
        request_run(session, quiet, environment, "deploy", by="alice") for _ in range(3)
    )
    assert states(session, first, second, third) == ["superseded", "superseded", "queued"]
    assert first.error == {
        "path": "",
        "message": f"run {second.id} is newer and takes its place",
        "remedy": f"see run {second.id}",
    }
    assert first.ended_at is not None


def test_what_was_asked_for_as_just_that_stays(session: Session, environment: Environment) -> None:
    bound = request_run(session, quiet, environment, "deploy", by="alice", plan="a" * 64)
    plan = request_run(session, quiet, environment, "plan", by="alice")
    working = add_run(session, environment)
    assert claim(session, working)
    newest = request_run(session, quiet, environment, "deploy", by="alice")
    assert states(session, bound, plan, working, newest) == [
        "queued", "queued", "building", "queued",
    ]  # fmt: skip


def test_a_push_does_not_touch_another_environment(
    session: Session, environment: Environment
) -> None:
    other = Environment(name="staging", project_id=environment.project_id)
    session.add(other)
    session.commit()
    theirs = request_run(session, quiet, other, "deploy", by="alice")
    request_run(session, quiet, environment, "deploy", by="alice")
    assert states(session, theirs) == ["queued"]


def test_a_way_back_takes_the_place_of_older_deploys_and_looks_do_not(
    session: Session, environment: Environment
) -> None:
    add_release(session, environment, 1)
    deploy = request_run(session, quiet, environment, "deploy", by="alice")
    request_run(session, quiet, environment, "plan", by="alice")
    assert states(session, deploy) == ["queued"]
    back = request_run(session, quiet, environment, "rollback", by="alice", release=1)
    assert states(session, deploy, back) == ["superseded", "queued"]
    assert back.priority > deploy.priority


def test_a_newer_release_ends_what_still_waits_for_approval(
    session: Session, environment: Environment
) -> None:
    resting = add_run(session, environment, "awaiting_approval")
    newer = request_run(session, quiet, environment, "deploy", by="alice")
    assert states(session, resting) == ["awaiting_approval"]
    assert supersede(session, newer, ("awaiting_approval",)) == [resting.id]
    session.commit()
    assert states(session, resting) == ["superseded"]


@pytest.mark.parametrize("state", ["queued", "awaiting_approval"])
def test_what_waits_is_cancelled_at_once(
    session: Session, environment: Environment, state: str
) -> None:
    run = add_run(session, environment, state)
    assert cancel(session, run, by="bob") == "cancelled"
    assert run.error is not None and run.error["message"] == "bob cancelled it"
    assert session.query(Event).filter_by(action="run.cancelled", actor="bob").count() == 1


@pytest.mark.parametrize("state", ACTIVE)
def test_what_is_at_work_is_ended_by_its_worker(
    session: Session, environment: Environment, state: str
) -> None:
    run = add_run(session, environment, state)
    assert cancel(session, run, by="bob") == state
    assert run.cancelled_by == "bob"


@pytest.mark.parametrize("state", FINAL)
def test_what_has_ended_stays_as_it_is(
    session: Session, environment: Environment, state: str
) -> None:
    run = add_run(session, environment, state)
    with pytest.raises(PortwrightError, match="has ended already"):
        cancel(session, run, by="bob")
    assert states(session, run) == [state] and run.cancelled_by is None


def test_a_deleted_project_takes_no_more_deploys(
    session: Session, environment: Environment
) -> None:
    waits, working = add_run(session, environment), add_run(session, environment, "applying")
    (destroy,) = request_deletion(session, quiet, environment.project, by="alice")
    assert states(session, waits, working) == ["cancelled", "applying"]
    assert working.cancelled_by == "alice" and destroy.kind == "destroy"
    told = session.query(Event).filter_by(action="run.cancelled").order_by(Event.id)
    assert [each.detail for each in told] == [{"run": waits.id}, {"run": working.id}]
    with pytest.raises(PortwrightError, match="is being deleted"):
        request_run(session, quiet, environment, "deploy", by="alice")
