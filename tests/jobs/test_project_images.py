"""Which images belong to a project, on which host."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rows import add_run
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from jobs.approval import approve
from jobs.cleanup import kept_images
from jobs.models import Environment, Host, Project, ProjectImage, Release, now
from jobs.project_images import BUILT, PULLED, ProjectImages, forget, rows_on
from jobs.requests import create_project
from stacks.docker.images.resolve import Known

NAME = "docker.io/library/app:1"
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def known(digest: str = ONE, fetched: bool = True, name: str = NAME) -> Known:
    return Known(
        name, f"sha256:id-of-{digest[-4:]}", digest, now(), fetched, "docker.io/library/app"
    )


@pytest.fixture
def host(session: Session) -> Host:
    made = Host(name="two", address="ssh://root@192.0.2.1", http_port=80, traefik_port=8701)
    session.add(made)
    session.commit()
    return made


def test_records_are_of_one_project_on_one_host(
    session: Session, project: Project, host: Host
) -> None:
    other = create_project(session, "other", "https://example.com/o.git", "main", by="alice")
    mine = ProjectImages(session, project.id, None)
    mine.put(known())
    found = mine.get(NAME)
    assert found is not None and (found.digest, found.fetched) == (ONE, True)
    assert mine.holds(found.image_id)
    for stranger in (
        ProjectImages(session, other.id, None),
        ProjectImages(session, project.id, host.id),
    ):
        assert stranger.get(NAME) is None and not stranger.holds(found.image_id)


def test_a_moved_tag_keeps_the_earlier_image_under_its_digest(
    session: Session, project: Project
) -> None:
    records = ProjectImages(session, project.id, None)
    records.put(known(ONE))
    records.put(known(TWO, fetched=False))
    new, old = records.get(NAME), records.get(f"docker.io/library/app@{ONE}")
    assert new is not None and (new.digest, new.fetched) == (TWO, False)
    assert old is not None and (old.digest, old.fetched) == (ONE, True)
    records.put(known(ONE))  # and back
    assert {row.name for row in rows_on(session, None, PULLED)} == {
        NAME, f"docker.io/library/app@{ONE}", f"docker.io/library/app@{TWO}",
    }  # fmt: skip


def test_what_one_project_fetched_is_fetched_for_the_next(
    session: Session, project: Project, host: Host
) -> None:
    other = create_project(session, "other", "https://example.com/o.git", "main", by="alice")
    ProjectImages(session, project.id, None).put(known())
    for number, fetched in ((None, True), (host.id, False)):
        records = ProjectImages(session, other.id, number)
        records.put(known(fetched=False))
        found = records.get(NAME)
        assert found is not None and found.fetched is fetched


@pytest.mark.parametrize("remote", [False, True])
def test_a_name_is_recorded_once_per_project_and_host(
    session: Session, project: Project, host: Host, remote: bool
) -> None:
    def row() -> ProjectImage:
        return ProjectImage(
            project_id=project.id, host_id=host.id if remote else None, kind=PULLED, name=NAME,
            image_id=ONE,
        )  # fmt: skip

    session.add(row())
    session.commit()
    session.add(row())
    with pytest.raises(IntegrityError):
        session.commit()


def test_of_two_runs_that_record_a_name_at_once_both_succeed(
    sessions: sessionmaker[Session], project: Project
) -> None:
    with sessions() as one, sessions() as other:
        first = ProjectImages(one, project.id, None)
        second = ProjectImages(other, project.id, None)
        seen = first.row
        lost = [True]

        def not_yet(kind: str, name: str) -> ProjectImage | None:
            if lost and lost.pop():
                second.put(known(TWO))
                return None
            return seen(kind, name)

        object.__setattr__(first, "row", not_yet)
        first.write(PULLED, NAME, "sha256:x", now(), {"digest": ONE})
        one.commit()
        (row,) = rows_on(one, None, PULLED)
        assert (row.image_id, row.digest) == ("sha256:x", ONE)


def test_builds_are_recorded_by_key(session: Session, project: Project) -> None:
    records = ProjectImages(session, project.id, None)
    assert records.built("key") is None
    records.put_built("key", ONE, {"python:3.13": TWO})
    assert records.built("key") == (ONE, {"python:3.13": TWO})
    records.put_built("key", TWO, {})
    assert records.built("key") == (TWO, {})
    assert {row.image_id for row in rows_on(session, None, BUILT)} == {ONE, TWO}
    forget(session, None, ONE)
    assert [row.image_id for row in rows_on(session, None, BUILT)] == [TWO]


def test_images_of_releases_and_waiting_runs_are_kept(
    session: Session, environment: Environment, project: Project
) -> None:
    def spec(image: str) -> dict[str, object]:
        return {"services": {"web": {"image": image}}}

    for number in range(1, 14):
        run = add_run(session, environment, "succeeded", spec=spec(f"i{number}"))
        session.add(
            Release(
                environment_id=environment.id, number=number, run_id=run.id,
                spec=run.spec, commit="a" * 40,
            )
        )  # fmt: skip
    environment.release = 2  # rolled back
    add_run(session, environment, "awaiting_approval", spec=spec("waits"))
    add_run(session, environment, "cancelled", spec=spec("cancelled"))
    add_run(session, environment, "queued")
    session.commit()
    assert kept_images(session, project) == {*(f"i{n}" for n in range(4, 14)), "i2", "waits"}
    project.deleted_at, environment.release = now() - timedelta(days=1), None
    session.commit()
    assert kept_images(session, project) == {"waits"}


def test_an_approval_keeps_what_the_run_was_asked_with(
    session: Session, environment: Environment
) -> None:
    options = {"pull": True, "no_cache": True}
    plan = {"hash": "a" * 64, "steps": []}
    run = add_run(session, environment, "awaiting_approval", plan=plan, options=options)
    approve(session, lambda _: None, run, "a" * 64, by="alice")
    session.refresh(run)
    assert (run.state, run.options) == ("queued", options)


def test_a_fork_gets_nothing_that_the_projects_credentials_gave(
    session: Session, project: Project
) -> None:
    records = ProjectImages(session, project.id, None)
    records.put(known(ONE))
    fork = ProjectImages(session, project.id, None, fork=True)
    assert fork.get(NAME) is None and not fork.holds(known(ONE).image_id)
    fork.put(known(TWO))
    unchanged = records.get(NAME)
    assert unchanged is not None and unchanged.digest == ONE
    assert records.get(f"docker.io/library/app@{TWO}") is not None  # to be pruned
