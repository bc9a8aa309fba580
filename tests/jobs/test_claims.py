"""Which Run goes next: one for an environment, fair among projects, within what the host can bear."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from rows import add_run
from sqlalchemy.orm import Session, sessionmaker

from jobs import claims, lease
from jobs.claims import claim, claim_next, claimable, line_up
from jobs.models import Environment, Run
from jobs.requests import create_project
from jobs.settings import Settings
from jobs.states import move


@pytest.fixture
def roomy(settings: Settings) -> Settings:
    return replace(
        settings, workers=10, builds=10, builds_per_project=10, min_disk_mb=0, min_memory_mb=0
    )


def another(session: Session, name: str) -> Environment:
    made = create_project(session, name, f"https://example.com/{name}.git", "main", by="alice")
    return made.environments[0]


def ids(runs: list[Run]) -> list[int]:
    return [run.id for run in runs]


def test_a_run_is_claimed_once(
    sessions: sessionmaker[Session], session: Session, environment: Environment
) -> None:
    run = add_run(session, environment)
    with sessions() as other:
        theirs = other.get_one(Run, run.id)
        assert [claim(session, run), claim(other, theirs)] == [True, False]
    assert (run.state, run.token, run.attempts) == ("building", 1, 1)
    assert run.worker == str(lease.this_process())
    assert environment.lease_run == run.id


def test_the_oldest_goes_first_and_the_next_waits(
    session: Session, environment: Environment, roomy: Settings
) -> None:
    first, second = add_run(session, environment), add_run(session, environment)
    assert [each.run.id for each in line_up(session, roomy)] == [first.id, second.id]
    assert line_up(session, roomy)[1].reason == "another run of shop production is before it"
    taken = claim_next(session, roomy)
    assert taken is not None and taken.id == first.id
    assert claim_next(session, roomy) is None and not claim(session, second)
    for state in ("planning", "succeeded"):
        move(session, first.id, state)
    assert ids(claimable(session, roomy)) == [second.id]


def test_a_rollback_goes_before_what_is_older(
    session: Session, environment: Environment, roomy: Settings
) -> None:
    add_run(session, environment)
    back = add_run(session, environment, priority=2, target=1)
    assert ids(claimable(session, roomy)) == [back.id]


def test_projects_take_turns(session: Session, environment: Environment, roomy: Settings) -> None:
    """A project with many environments does not keep the others waiting."""
    mine = [environment]
    for name in ("staging", "qa"):
        mine.append(Environment(name=name, project_id=environment.project_id))
    session.add_all(mine)
    session.commit()
    first, second, third = (add_run(session, each) for each in mine)
    theirs = add_run(session, another(session, "blog"))
    assert ids(claimable(session, roomy)) == [first.id, theirs.id, second.id, third.id]


def test_builds_and_the_rest_have_capacities_of_their_own(
    session: Session, environment: Environment, roomy: Settings
) -> None:
    one_build = replace(roomy, builds=1)
    assert claim(session, add_run(session, environment))
    waits = add_run(session, another(session, "blog"))
    back = add_run(session, another(session, "wiki"), priority=2, target=1)
    assert ids(claimable(session, one_build)) == [back.id]
    reasons = {each.run.id: each.reason for each in line_up(session, one_build)}
    assert reasons[waits.id] == "1 of 1 builds are running"
    assert len(claimable(session, roomy)) == 2


def test_one_project_does_not_take_all_build_slots(
    session: Session, environment: Environment, roomy: Settings
) -> None:
    limited = replace(roomy, builds=3, builds_per_project=1)
    staging = Environment(name="staging", project_id=environment.project_id)
    mine = [environment, staging]
    session.add(staging)
    session.commit()
    first, second = (add_run(session, each) for each in mine)
    theirs = add_run(session, another(session, "blog"))
    assert ids(claimable(session, limited)) == [first.id, theirs.id]
    reasons = {each.run.id: each.reason for each in line_up(session, limited)}
    assert reasons[second.id] == "1 of 1 builds of shop are running"


def test_no_more_go_than_there_are_workers(
    session: Session, environment: Environment, roomy: Settings
) -> None:
    add_run(session, environment)
    add_run(session, another(session, "blog"))
    one = replace(roomy, workers=1)
    assert claim_next(session, one) is not None
    assert claim_next(session, one) is None


def test_a_full_host_begins_no_deploy_but_lets_people_go_back(
    session: Session, environment: Environment, roomy: Settings
) -> None:
    full = replace(roomy, min_disk_mb=999_999)
    waits = add_run(session, environment)
    back = add_run(session, another(session, "wiki"), priority=2, target=1)
    back.kind = "rollback"
    session.commit()
    assert ids(claimable(session, full)) == [back.id]
    (reason,) = [each.reason for each in line_up(session, full) if each.run.id == waits.id]
    assert "MB free and a deploy needs 999999" in reason


def test_of_many_that_choose_at_once_each_gets_another(
    sessions: sessionmaker[Session], session: Session, roomy: Settings
) -> None:
    wanted = [add_run(session, another(session, f"p{number}")).id for number in range(6)]
    got: list[int] = []

    def choose() -> None:
        with sessions() as mine:
            run = claims.claim_next(mine, roomy)
            if run is not None:
                got.append(run.id)

    threads = [threading.Thread(target=choose) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == wanted
