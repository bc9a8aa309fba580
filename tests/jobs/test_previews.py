"""Previews as rows: who gets one, what holds one back, when one goes, and which secrets it has."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from rows import add_release
from sqlalchemy.orm import Session

from forges.events import PullRequest, Push, Repository
from jobs import polling, pushes
from jobs.cleanup import needed_elsewhere
from jobs.models import Preview, Project, Run, Secret, Source, now
from jobs.previews import lifecycle
from jobs.previews.policy import policy_of, set_policy
from jobs.previews.secrets import forget, preview_versions
from jobs.previews.upkeep import AGAIN, upkeep
from jobs.requests import add_environment, set_secret
from jobs.settings import Settings
from jobs.sources import ensure_source
from jobs.vault import open_version
from stacks.errors import PortwrightError

REPOSITORY = Repository("alice/shop", "https://example.com/alice/shop.git", "")
PULL = PullRequest(
    "opened", 7, "Teal", "teal", "a" * 40, "main", False, "bob", "https://x/7", None, REPOSITORY
)


@pytest.fixture
def previews(session: Session, project: Project) -> Project:
    set_policy(session, project, {"enabled": True, "most": 2}, by="alice")
    return project


def tell(session: Session, settings: Settings, project: Project, **changes: object) -> list[Run]:
    runs, _ = lifecycle.told(session, settings, project, replace(PULL, **changes), by="hook")  # type: ignore[arg-type]
    session.commit()
    return runs


def preview(session: Session, number: int = 7) -> Preview:
    return session.query(Preview).filter_by(number=number).one()


def test_a_pull_request_gets_an_environment_and_a_deploy_of_its_commit(
    session: Session, settings: Settings, previews: Project
) -> None:
    (run,) = tell(session, settings, previews)
    assert (run.kind, run.ref, run.environment.name) == ("deploy", "a" * 40, "pr-7")
    assert preview(session).state == "open" and run.environment.policy == "auto"
    assert tell(session, settings, previews) == []  # the same again
    (newer,) = tell(session, settings, previews, action="updated", head_commit="b" * 40)
    assert newer.ref == "b" * 40 and run.state == "superseded"


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        ({"enabled": False}, {}),
        ({}, {"base_branch": "other"}),
        ({}, {"fork": True}),
        ({}, {"action": "closed"}),
    ],
)
def test_who_gets_none(
    session: Session,
    settings: Settings,
    previews: Project,
    policy: dict[str, object],
    changes: dict[str, object],
) -> None:
    set_policy(session, previews, policy, by="alice")
    assert tell(session, settings, previews, **changes) == []
    assert session.query(Preview).count() == 0


def test_a_forks_commit_waits_for_a_yes_to_just_that_commit(
    session: Session, settings: Settings, previews: Project
) -> None:
    set_policy(session, previews, {"forks": "approve"}, by="alice")
    assert tell(session, settings, previews, fork=True) == []
    held = preview(session)
    assert held.state == "held" and "a maintainer must let commit aaaaaaa run" in (held.held or "")
    with pytest.raises(PortwrightError, match="is at aaaaaaaaaa now"):
        lifecycle.approve(session, settings, held, "b" * 40, by="alice")
    run = lifecycle.approve(session, settings, held, "a" * 40, by="alice")
    assert run is not None and run.ref == "a" * 40
    assert tell(session, settings, previews, action="updated", head_commit="c" * 40) == []
    assert preview(session).state == "held" and preview(session).fork
    assert upkeep(session, lambda _: None, settings) == []  # no clock lets it run


def test_more_than_the_most_wait_for_room(
    session: Session, settings: Settings, previews: Project
) -> None:
    for number in (1, 2, 3):
        tell(session, settings, previews, number=number)
    assert [preview(session, n).state for n in (1, 2, 3)] == ["open", "open", "held"]
    assert upkeep(session, lambda _: None, settings) == []
    tell(session, settings, previews, number=1, action="merged")
    rung: list[int] = []
    (started,) = upkeep(session, rung.append, settings)
    assert rung == [started] and preview(session, 3).state == "open"


def test_one_whose_time_is_over_goes_and_stays_away_until_its_branch_moves(
    session: Session, settings: Settings, previews: Project
) -> None:
    tell(session, settings, previews)
    preview(session).expires_at = now() - timedelta(seconds=1)
    session.commit()
    (run_id,) = upkeep(session, lambda _: None, settings)
    run = session.get_one(Run, run_id)
    assert run.kind == "destroy" and run.options["every_volume"]
    assert preview(session).closed == "its time was over"
    assert tell(session, settings, previews, action="updated") == []
    (again,) = tell(session, settings, previews, action="updated", head_commit="b" * 40)
    assert again.kind == "deploy" and preview(session).state == "open"


def test_what_could_not_be_taken_away_is_taken_away_again(
    session: Session, settings: Settings, previews: Project
) -> None:
    (deploy,) = tell(session, settings, previews)
    (destroy,) = tell(session, settings, previews, action="closed")
    session.refresh(deploy)
    assert deploy.state == "cancelled" and upkeep(session, lambda _: None, settings) == []
    destroy.state, destroy.ended_at = "failed", now()
    session.commit()
    assert upkeep(session, lambda _: None, settings) == []  # not at once
    destroy.ended_at = now() - AGAIN - timedelta(seconds=1)
    session.commit()
    (again,) = upkeep(session, lambda _: None, settings)
    assert session.get_one(Run, again).kind == "destroy"
    preview(session).gone_at = now()
    session.get_one(Run, again).state = "failed"
    session.commit()
    assert upkeep(session, lambda _: None, settings) == []


class Forge:
    """Whatever is asked of it is not needed here."""


def test_what_the_forge_no_longer_has_open_goes_and_what_hooks_missed_comes(
    session: Session, settings: Settings, previews: Project
) -> None:
    tell(session, settings, previews)
    other = replace(PULL, number=8, head_commit="b" * 40)
    runs = polling.reconciled(session, settings, previews, Forge(), {8: other})  # type: ignore[arg-type]
    assert [(run.kind, run.environment.name) for run in runs] == [
        ("destroy", "pr-7"), ("deploy", "pr-8"),
    ]  # fmt: skip
    session.commit()
    again = polling.reconciled(session, settings, previews, Forge(), {7: PULL, 8: other})  # type: ignore[arg-type]
    assert [(run.kind, run.environment.name) for run in again] == [("deploy", "pr-7")]


def test_secrets_of_previews_are_never_productions_unless_shared(
    session: Session, settings: Settings, previews: Project
) -> None:
    key = settings.key("vault-key")
    tell(session, settings, previews)
    found = preview(session)
    for name in ("own", "all", "shared", "random"):
        set_secret(session, key, previews, name, f"production {name}", by="alice")
    set_secret(session, key, previews, "own", "of pr-7", by="alice", environment="pr-7")
    set_secret(session, key, previews, "all", "of all", by="alice", environment="previews")
    set_policy(session, previews, {"share": ["shared"]}, by="alice")

    def values() -> dict[str, str]:
        names = ("own", "all", "shared", "random")
        versions = preview_versions(session, key, found, names)
        return {n: open_version(session, key, previews, n, versions[n])[1] for n in names}

    first = values()
    assert (first["own"], first["all"], first["shared"]) == (
        "of pr-7",
        "of all",
        "production shared",
    )
    assert len(first["random"]) == 32 and values() == first
    found.fork = True
    stranger = values()
    assert stranger["own"] == "of pr-7" and stranger["random"] == first["random"]
    assert not {"of all", "production shared"} & set(stranger.values())
    forget(session, found.environment)
    assert session.query(Secret).filter_by(environment="pr-7").count() == 0


def test_a_push_deploys_what_it_is_for(
    session: Session, settings: Settings, project: Project
) -> None:
    staging = add_environment(session, project, "staging", by="alice")
    push = Push("main", None, None, "a" * 40, "Fix", frozenset({"web/a.py"}), False, REPOSITORY)

    def deployed(**changes: object) -> list[str]:
        runs, _ = pushes.pushed(session, settings, project, replace(push, **changes), by="hook")  # type: ignore[arg-type]
        session.commit()
        return [run.environment.name for run in runs]

    assert deployed() == ["production"]
    assert deployed(branch="next") == [] and deployed(message="Fix [skip deploy]") == []
    staging.branch = "next"
    assert deployed(branch="next") == ["staging"]
    pushes.set_filters(session, staging, {"tags": ["v*"], "paths": []}, by="alice")
    assert deployed(branch=None, tag="v1") == ["staging"]
    pushes.set_filters(session, staging, {"paths": ["docs/**"]}, by="alice")
    assert deployed(branch="next") == []
    with pytest.raises(PortwrightError):
        pushes.set_filters(session, staging, {"paths": ["../x"]}, by="alice")


def test_a_deleted_branch_takes_its_preview_along(
    session: Session, settings: Settings, previews: Project
) -> None:
    tell(session, settings, previews)
    gone = Push("teal", None, "a" * 40, None, "", None, True, REPOSITORY)
    runs, words = pushes.pushed(session, settings, previews, gone, by="hook")
    assert [run.kind for run in runs] == ["destroy"] and "the preview of pull request 7" in words


def test_a_poll_deploys_a_head_that_no_hook_told_of_and_none_that_one_did(
    session: Session, settings: Settings, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: Source = ensure_source(session, project)
    heads = {"main": "a" * 40}
    monkeypatch.setattr(polling, "heads", lambda *_, **__: dict(heads))
    rung: list[int] = []

    def poll() -> list[str | None]:
        runs = polling.poll(session, rung.append, settings, source)
        return [run.ref for run in runs]

    assert poll() == []  # the first look only takes note
    heads["main"] = "b" * 40
    assert poll() == ["b" * 40] and len(rung) == 1
    assert poll() == []
    push = Push("main", None, None, "c" * 40, "", None, False, REPOSITORY)
    pushes.pushed(session, settings, project, push, by="hook")
    session.commit()
    heads["main"] = "c" * 40
    assert poll() == []


def test_bad_settings_are_named(session: Session, project: Project) -> None:
    for given, path in (
        ({"most": 0}, "previews.most"),
        ({"forks": "yes"}, "previews.forks"),
        ({"nonsense": 1}, "previews.nonsense"),
        ({"share": ["-x"]}, "previews.share"),
        ({"bases": ["../x"]}, "previews.bases"),
    ):
        with pytest.raises(PortwrightError) as told:
            set_policy(session, project, given, by="alice")
        assert told.value.path == path
    assert not policy_of(project).enabled


def test_environments_can_have_no_previews_name(session: Session, project: Project) -> None:
    for name in ("pr-7", "previews"):
        with pytest.raises(PortwrightError, match="is a name for previews"):
            add_environment(session, project, name, by="alice")
    add_release(session, project.environments[0], 1)


def test_images_stay_while_another_environment_of_the_project_is_at_work(
    session: Session, settings: Settings, previews: Project
) -> None:
    """What it has built is in no release yet, and looked like nobody's."""
    (deploy,) = tell(session, settings, previews)
    (other,) = tell(session, settings, previews, number=8, head_commit="b" * 40)
    context: Any = SimpleNamespace(session=session, project=previews, run=deploy)
    assert not needed_elsewhere(context)
    for state, kind, needed in (
        ("building", "deploy", True),
        ("applying", "plan", True),
        ("applying", "destroy", False),
        ("succeeded", "deploy", False),
    ):
        other.state, other.kind = state, kind
        session.commit()
        assert needed_elsewhere(context) is needed
