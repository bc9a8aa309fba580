"""The state machine and the claim: one Run at a time for an environment, and every move is checked."""

from __future__ import annotations

import pytest
from rows import add_run
from sqlalchemy.orm import Session, sessionmaker

from jobs import lease
from jobs.claims import claim
from jobs.models import Environment
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


def test_a_worker_whose_lease_was_taken_over_moves_nothing(
    session: Session, settings: Settings, environment: Environment
) -> None:
    run = add_run(session, environment)
    assert claim(session, run)
    old = run.token
    new = lease.take_over(session, run)
    assert (old, new) == (1, 2)
    assert not move(session, run.id, "planning", token=old)
    assert not lease.renew(session, environment.id, 1)
    assert not lease.holds(session, environment.id, 1)
    assert move(session, run.id, "planning", token=new)


@pytest.mark.parametrize("to", ["failed", "queued", "awaiting_approval"])
def test_what_ends_or_rests_gives_its_environment_free(
    session: Session, environment: Environment, to: str
) -> None:
    run = add_run(session, environment)
    assert claim(session, run)
    assert move(session, run.id, "planning", token=run.token)
    assert environment.lease_run == run.id
    assert move(session, run.id, to, token=run.token)
    session.refresh(environment)
    session.refresh(run)
    assert (environment.lease_run, environment.lease_until, run.worker) == (None, None, None)
    assert environment.lease_token == 1


def test_an_end_elsewhere_leaves_the_lease(session: Session, environment: Environment) -> None:
    first, second = add_run(session, environment), add_run(session, environment)
    assert claim(session, first)
    assert move(session, second.id, "cancelled")
    session.refresh(environment)
    assert environment.lease_run == first.id
