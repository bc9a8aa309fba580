"""What people ask for: recorded first, hostile values refused with field and remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import add_release
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.models import Environment, Event, Member, Project, Run, User
from jobs.previews.prepare import visitor_password
from jobs.queries import secret_versions
from jobs.requests import (
    add_environment,
    check_repository,
    create_project,
    request_run,
    set_secret,
)
from jobs.settings import Settings
from jobs.vault import open_newest, open_secrets
from stacks.errors import PortwrightError
from stacks.names import check_ref
from stacks.spec import SecretVersion, ServiceSpec, Spec


def test_a_request_is_a_row_before_the_bell_rings(
    session: Session, environment: Environment
) -> None:
    seen: list[str | None] = []

    def ring(run_id: int) -> None:
        with Session(session.get_bind()) as other:
            found = other.get(Run, run_id)
            seen.append(found.state if found else None)

    run = request_run(session, ring, environment, "deploy", by="alice")
    assert seen == ["queued"]
    assert (run.ref, run.kind, run.requested_by) == ("main", "deploy", "alice")
    event = session.scalars(select(Event).where(Event.action == "run.deploy")).one()
    assert (event.actor, event.project, event.detail["run"]) == ("alice", "shop", run.id)


Asked = Callable[..., Run]


@pytest.mark.parametrize(
    ("kind", "more", "path"),
    [
        ("explode", {}, "kind"),
        ("deploy", {"ref": "--upload-pack=reboot"}, "ref"),
        ("deploy", {"plan": "abc"}, "plan"),
        ("rollback", {}, "release"),
        ("rollback", {"release": 9}, "release"),
        ("destroy", {"volumes": ["../../etc"]}, "volumes"),
        ("destroy", {"volumes": ["db_data; reboot"]}, "volumes"),
    ],
)
def test_what_can_not_be_asked(
    session: Session, environment: Environment, kind: str, more: dict[str, object], path: str
) -> None:
    rung: list[int] = []
    with pytest.raises(PortwrightError) as caught:
        request_run(session, rung.append, environment, kind, by="alice", **more)  # type: ignore[arg-type]
    assert caught.value.path == path and caught.value.remedy
    session.rollback()
    assert rung == [] and session.scalars(select(Run)).all() == []


def test_a_rollback_names_a_release_that_is_there(
    session: Session, environment: Environment
) -> None:
    add_release(session, environment, 1)
    run = request_run(session, lambda _: None, environment, "rollback", by="alice", release=1)
    assert (run.target, run.ref) == (1, None)


BAD_REFS = ["-x", "--exec=x", "a..b", "a b", "a\nb", "a;b", "$(x)", "`x`", "refs/x.lock", "a/", "a//b",
            "", "x" * 201, "a\0b", "@{u}", "a:b", "a~1", "a^"]  # fmt: skip


@pytest.mark.parametrize("ref", BAD_REFS)
def test_hostile_refs_are_refused(ref: str) -> None:
    with pytest.raises(PortwrightError):
        check_ref("ref", ref)


@pytest.mark.parametrize("ref", ["main", "feature/new-thing", "v1.2.3", "a" * 40, "renovate/x_1.x"])
def test_usual_refs_are_taken(ref: str) -> None:
    check_ref("ref", ref)


# Transports that run programs or read what they should not (CVE-2017-1000117, CVE-2022-39253).
BAD_REPOSITORIES = [
    "ext::sh -c reboot", "file:///etc", "fd::7", "-oProxyCommand=x", "--upload-pack=x",
    "ssh://-oProxyCommand=x/a", "-x@host:a", "git://host/a", "https://host/a b", "https://host/a;b",
    "/srv/../etc", "relative/path", "https://", "", "https://host/$(x)", "git@host:a`x`",
    "https://user:password@host/a", "/srv/a\n", "ssh://git@host:22/a b",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_REPOSITORIES)
def test_hostile_repositories_are_refused(url: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        check_repository(url)
    assert caught.value.path == "repository"


@pytest.mark.parametrize(
    "url",
    ["https://example.com/a/b.git", "http://127.0.0.1:3000/a.git", "git@github.com:me/shop.git",
     "ssh://git@example.com/a.git", "/srv/git/shop.git"],
)  # fmt: skip
def test_usual_repositories_are_taken(url: str) -> None:
    check_repository(url)


@given(st.text(max_size=60))
def test_any_text_as_a_ref_is_safe_or_refused(ref: str) -> None:
    try:
        check_ref("ref", ref)
    except PortwrightError:
        return
    assert not ref.startswith("-") and ".." not in ref
    assert not set(ref) & set(" ;|&$`'\"\\\n\0~^:?*[")


def test_a_name_is_taken_once(session: Session, project: Project) -> None:
    with pytest.raises(PortwrightError, match="is there already"):
        create_project(session, "shop", "https://example.com/x.git", "main", by="bob")


def test_the_owner_comes_with_the_project(session: Session) -> None:
    user = User(email="bob@example.com", password_hash="x")
    session.add(user)
    session.commit()
    made = create_project(
        session, "mine", "https://example.com/x.git", "main", by="bob", owner=user
    )
    member = session.scalars(select(Member)).one()
    assert (member.project_id, member.user_id, member.role) == (made.id, user.id, "owner")


@pytest.mark.parametrize(("host_owner", "taken"), [(True, True), (False, False)])
def test_a_path_on_the_server_is_for_its_owner(
    session: Session, host_owner: bool, taken: bool
) -> None:
    user = User(email="bob@example.com", password_hash="x", host_owner=host_owner)
    session.add(user)
    session.commit()
    try:
        create_project(session, "mine", "/srv/other.git", "main", by="bob", owner=user)
    except PortwrightError as error:
        assert not taken and error.path == "repository"
    else:
        assert taken


def test_secrets_keep_their_versions_and_are_sealed(
    session: Session, settings: Settings, project: Project
) -> None:
    key = settings.key("vault-key")
    assert set_secret(session, key, project, "api_key", "first value", by="alice") == 1
    assert set_secret(session, key, project, "api_key", "second value", by="alice") == 2
    assert b"value" not in (settings.home / "portwright.db").read_bytes()
    service = ServiceSpec(
        image="x", image_ref="x", env={"K": SecretVersion(secret="api_key", version=1)}
    )
    spec = Spec(project="shop", environment="production", commit="a", services={"web": service})
    assert open_secrets(session, key, project.id, spec, None) == {("api_key", 1): "first value"}
    events = session.scalars(select(Event).where(Event.action == "secret.set")).all()
    assert [event.detail for event in events] == [
        {"name": "api_key", "version": 1, "environment": None},
        {"name": "api_key", "version": 2, "environment": None},
    ]


def test_an_environment_has_secrets_of_its_own(
    session: Session, settings: Settings, project: Project
) -> None:
    key = settings.key("vault-key")
    add_environment(session, project, "staging", by="alice")
    set_secret(session, key, project, "api_key", "shared", by="alice")
    set_secret(session, key, project, "api_key", "own one", by="alice", environment="staging")
    set_secret(session, key, project, "api_key", "shared later", by="alice")
    assert secret_versions(session, project, "staging") == {"api_key": 2}
    assert secret_versions(session, project, "production") == {"api_key": 3}
    assert open_newest(session, key, project.environments[1], "api_key") == (2, "own one")
    with pytest.raises(PortwrightError) as caught:
        open_newest(session, key, project.environments[0], "other")
    assert caught.value.path == "build.secrets"


@pytest.mark.parametrize(
    "value",
    ["-----BEGIN KEY-----\nAA==\n", "\n", " a\r\nb\t ", "\ufeffa", "é" * 32_768, "\x1b[31m"],
)
def test_a_secret_is_stored_byte_for_byte(
    session: Session, settings: Settings, project: Project, value: str
) -> None:
    key = settings.key("vault-key")
    set_secret(session, key, project, "api_key", value, by="alice")
    assert open_newest(session, key, project.environments[0], "api_key") == (1, value)


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("bad name", "canary", "name"),
        ("good", "", "value"),
        ("good", "canary\0", "value"),
        ("good", "canary\ud800", "value"),
        ("good", "é" * 32_769, "value"),
    ],
)
def test_bad_secrets_are_refused(
    session: Session, settings: Settings, project: Project, name: str, value: str, path: str
) -> None:
    with pytest.raises(PortwrightError) as caught:
        set_secret(session, settings.key("vault-key"), project, name, value, by="alice")
    assert caught.value.path == path and "canary" not in str(caught.value)
    assert secret_versions(session, project, "production") == {}


@pytest.mark.parametrize("value", ["open sesame", "open sesame\n", "open sesame\r\n"])
def test_the_final_newline_is_not_part_of_the_password_of_previews(value: str) -> None:
    assert visitor_password(value) == "open sesame"


def test_an_empty_password_protects_nothing_and_is_refused() -> None:
    with pytest.raises(PortwrightError) as caught:
        visitor_password("\n")
    assert caught.value.path == "previews.protect"
