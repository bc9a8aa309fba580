"""Which plans rest, who lets them go on, and that a yes is for one plan only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rows import add_run
from sqlalchemy.orm import Session

from jobs.approval import approve, may_go, needs_approval, reject, set_policy
from jobs.context import Context
from jobs.database import session_factory
from jobs.guard import Guard
from jobs.log import RunLog
from jobs.models import Environment, Run
from jobs.settings import Settings
from stacks.errors import PortwrightError
from stacks.plan import Plan, Step

HARMLESS = Plan((Step("replace", "Container", "web"),))
DESTRUCTIVE = Plan((Step("delete", "Container", "web", destructive=True),))


@pytest.mark.parametrize(
    ("policy", "made", "needed"),
    [
        ("auto", DESTRUCTIVE, False), ("destructive", HARMLESS, False),
        ("destructive", DESTRUCTIVE, True), ("always", HARMLESS, True),
    ],
)  # fmt: skip
def test_policies(policy: str, made: Plan, needed: bool) -> None:
    assert needs_approval(policy, made) is needed


def planned(session: Session, environment: Environment, made: Plan, **more: Any) -> Run:
    return add_run(session, environment, "planning", plan=made.to_json(), **more)


def asked(session: Session, settings: Settings, run: Run, made: Plan) -> bool:
    run.token = 1
    session.commit()
    sessions = session_factory(settings.database_url)
    with RunLog(Path(settings.home) / "log") as log:
        return may_go(Context(settings, session, run, log, Guard(settings, sessions, run)), made)


def test_without_a_yes_it_rests_and_holds_no_worker(
    session: Session, settings: Settings, environment: Environment
) -> None:
    run = planned(session, environment, DESTRUCTIVE, worker="host:1")
    assert not asked(session, settings, run, DESTRUCTIVE)
    session.refresh(run)
    assert (run.state, run.worker, run.expected_plan) == ("awaiting_approval", None, None)


def test_a_hash_alone_is_no_approval(
    session: Session, settings: Settings, environment: Environment
) -> None:
    """Whoever may deploy but not approve can bind a deploy to a plan, no more."""
    run = planned(session, environment, DESTRUCTIVE, expected_plan=DESTRUCTIVE.hash)
    assert not asked(session, settings, run, DESTRUCTIVE)


def test_a_yes_to_this_plan_goes_and_to_another_rests_again(
    session: Session, settings: Settings, environment: Environment
) -> None:
    run = planned(
        session, environment, DESTRUCTIVE, expected_plan=DESTRUCTIVE.hash, approved_by="bob"
    )
    assert asked(session, settings, run, DESTRUCTIVE)
    environment.policy = "auto"
    assert not asked(session, settings, run, HARMLESS)
    session.refresh(run)
    assert (run.state, run.approved_by) == ("awaiting_approval", None)


def test_a_bound_deploy_of_another_plan_fails(
    session: Session, settings: Settings, environment: Environment
) -> None:
    run = planned(
        session,
        environment,
        HARMLESS,
        expected_plan=DESTRUCTIVE.hash,
        approved_by="bob",
        options={"bound": True},
    )
    with pytest.raises(PortwrightError) as caught:
        asked(session, settings, run, HARMLESS)
    assert caught.value.path == "plan"


def test_the_way_back_by_itself_asks_nobody(
    session: Session, settings: Settings, environment: Environment
) -> None:
    environment.policy = "always"
    run = planned(session, environment, DESTRUCTIVE, options={"automatic": "ill"})
    assert asked(session, settings, run, DESTRUCTIVE)


def test_approve_and_reject(session: Session, environment: Environment) -> None:
    rung: list[int] = []
    run = add_run(session, environment, "awaiting_approval", plan=HARMLESS.to_json())
    with pytest.raises(PortwrightError) as caught:
        approve(session, rung.append, run, DESTRUCTIVE.hash, by="bob")
    assert caught.value.path == "plan" and rung == []
    approve(session, rung.append, run, HARMLESS.hash, by="bob")
    session.refresh(run)
    assert (run.state, run.expected_plan, run.approved_by) == ("queued", HARMLESS.hash, "bob")
    assert rung == [run.id]
    with pytest.raises(PortwrightError):
        reject(session, run, by="bob")
    other = add_run(session, environment, "awaiting_approval", plan=HARMLESS.to_json())
    reject(session, other, by="bob")
    session.refresh(other)
    assert other.state == "cancelled" and other.error and "bob" in other.error["message"]


@pytest.mark.parametrize("state", ["queued", "building", "applying", "succeeded", "cancelled"])
def test_only_what_rests_can_be_approved(
    session: Session, environment: Environment, state: str
) -> None:
    run = add_run(session, environment, state, plan=HARMLESS.to_json())
    with pytest.raises(PortwrightError):
        approve(session, lambda _: None, run, HARMLESS.hash, by="bob")


def test_a_policy_that_there_is_not(session: Session, environment: Environment) -> None:
    with pytest.raises(PortwrightError) as caught:
        set_policy(session, environment, "sometimes", by="bob")
    assert caught.value.path == "policy"
