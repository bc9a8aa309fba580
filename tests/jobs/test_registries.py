"""Credentials of registries: who may set what, what is stored, what comes out for a pull."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from certificate_authority import authority
from docker.errors import NotFound
from rows import add_run
from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.addresses import Guard
from forges.errors import Unreachable
from jobs import registries
from jobs.context import Context
from jobs.deletion import finish_deletion
from jobs.models import (
    Environment,
    Event,
    Preview,
    Project,
    RegistryCredential,
    Run,
    User,
    now,
)
from jobs.registries import (
    certificates_of,
    check_registry,
    credentials,
    logins_of,
    remove_credential,
    set_credential,
)
from jobs.requests import create_project
from jobs.settings import Settings
from jobs.token_command import run_token_command
from stacks.docker.images.login import Login
from stacks.errors import PortwrightError

# Public by its number, so that no test needs a name server.
PUBLIC = "1.1.1.1:5000"
PASSWORD = "p4ss-very-secret"


@pytest.fixture
def maintainer() -> User:
    return User(email="bob@example.org", password_hash="", host_owner=False)


@pytest.fixture
def owner() -> User:
    return User(email="alice@example.org", password_hash="", host_owner=True)


def script(folder: Path, body: str) -> list[str]:
    """An argv list that runs the script with one argument."""
    path = folder / "token"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return [str(path), "an argument; with $shell `characters`"]


def refused(session: Session, settings: Settings, project: Project, **given: Any) -> str:
    """The path of the error; nothing is stored."""
    before = len(credentials(session, project))
    with pytest.raises(PortwrightError) as caught:
        set_credential(session, settings, project, given.pop("host", PUBLIC), **given)
    session.rollback()
    assert caught.value.remedy and PASSWORD not in f"{caught.value} {caught.value.remedy}"
    assert len(credentials(session, project)) == before
    return caught.value.path


def test_a_password_is_sealed_replaced_and_removed(
    session: Session, settings: Settings, project: Project, maintainer: User
) -> None:
    given = {"by": maintainer, "username": "me"}
    first = set_credential(session, settings, project, PUBLIC, password=PASSWORD, **given)
    assert (first.host, first.username, first.kind, first.ca) == (PUBLIC, "me", "password", None)
    login = logins_of(session, settings, project, pytest.fail)[PUBLIC]
    assert login == Login("me", PASSWORD) and PASSWORD not in repr(login)
    set_credential(session, settings, project, f" {PUBLIC} ", password="second\n", **given)
    assert len(credentials(session, project)) == 1
    assert logins_of(session, settings, project, pytest.fail) == {PUBLIC: Login("me", "second\n")}
    assert remove_credential(session, project, PUBLIC, by=maintainer) == PUBLIC
    assert credentials(session, project) == []
    with pytest.raises(PortwrightError, match="shop has no credentials for") as caught:
        remove_credential(session, project, PUBLIC, by=maintainer)
    assert caught.value.path == "host"
    assert PASSWORD.encode() not in (settings.home / "portwright.db").read_bytes()
    events = session.scalars(select(Event).where(Event.action.like("registry.%"))).all()
    stored = {"host": PUBLIC, "kind": "password", "username": "me", "ca": False}
    assert [(each.actor, each.action, each.project, each.detail) for each in events] == [
        (maintainer.email, "registry.set", "shop", stored),
        (maintainer.email, "registry.set", "shop", stored),
        (maintainer.email, "registry.removed", "shop", {"host": PUBLIC}),
    ]


def test_a_project_sees_its_own_credentials_only(
    session: Session, settings: Settings, project: Project, maintainer: User
) -> None:
    other = create_project(session, "other", "https://example.com/o.git", "main", by="alice")
    for each, password in ((project, "of shop"), (other, "of other")):
        set_credential(
            session, settings, each, PUBLIC, by=maintainer, username="me", password=password
        )
    assert logins_of(session, settings, other, pytest.fail)[PUBLIC].password == "of other"
    remove_credential(session, project, PUBLIC, by=maintainer)
    assert logins_of(session, settings, project, pytest.fail) == {}
    assert [each.host for each in credentials(session, other)] == [PUBLIC]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"host": "https://ghcr.io", "username": "me", "password": PASSWORD}, "host"),
        ({}, "username"),
        ({"password": PASSWORD}, "username"),
        ({"username": "", "password": PASSWORD}, "username"),
        ({"username": "me:too", "password": PASSWORD}, "username"),
        ({"username": "me\n", "password": PASSWORD}, "username"),
        ({"username": "m" * 256, "password": PASSWORD}, "username"),
        ({"username": "me"}, "password"),
        ({"username": "me", "password": ""}, "password"),
        ({"username": "me", "password": f"{PASSWORD}\0"}, "password"),
        ({"username": "me", "password": f"{PASSWORD}\ud800"}, "password"),
        ({"username": "me", "password": "é" * 32_769}, "password"),
        ({"username": "me", "password": PASSWORD, "command": ["aws"]}, "command"),
        ({"username": "me", "command": []}, "command"),
        ({"username": "me", "command": ["./token"]}, "command"),
        ({"username": "me", "command": ["aws", "a\0b"]}, "command"),
        ({"username": "me", "command": ["aws", "x" * 8192]}, "command"),
        ({"ca": ""}, "ca"),
        ({"ca": "none"}, "ca"),
        ({"host": "docker.io", "ca": authority().pem}, "ca"),
    ],
)
def test_what_can_not_be_used_is_refused_by_field(
    session: Session, settings: Settings, project: Project, owner: User,
    given: dict[str, Any], path: str,
) -> None:  # fmt: skip
    assert refused(session, settings, project, by=owner, **given) == path


def test_a_command_and_a_ca_are_for_the_owner_of_the_host(
    session: Session, settings: Settings, project: Project, maintainer: User, owner: User
) -> None:
    command = {"username": "AWS", "command": ["aws"]}
    assert refused(session, settings, project, by=maintainer, **command) == "command"
    assert refused(session, settings, project, by=maintainer, ca=authority().pem) == "ca"
    set_credential(session, settings, project, PUBLIC, by=owner, **command)
    replaced = set_credential(
        session, settings, project, PUBLIC, by=maintainer, username="me", password=PASSWORD
    )
    assert (replaced.kind, replaced.created_by) == ("password", maintainer.email)


def test_a_ca_is_changed_without_the_password(
    session: Session, settings: Settings, project: Project, owner: User
) -> None:
    one, two = authority("one").pem, authority("two").pem
    alone = set_credential(session, settings, project, PUBLIC, by=owner, ca=one)
    assert (alone.kind, alone.username) == ("none", "")
    assert logins_of(session, settings, project, pytest.fail) == {}
    login = {"username": "me", "password": PASSWORD}
    assert set_credential(session, settings, project, PUBLIC, by=owner, **login).ca == one
    set_credential(session, settings, project, PUBLIC, by=owner, ca=two)
    assert certificates_of(session, project) == {PUBLIC: two}
    assert logins_of(session, settings, project, pytest.fail)[PUBLIC].password == PASSWORD
    set_credential(session, settings, project, PUBLIC, by=owner, ca="")
    assert certificates_of(session, project) == {}
    assert logins_of(session, settings, project, pytest.fail)[PUBLIC].username == "me"


def test_the_cas_of_all_projects_for_a_registry_are_trusted_together(
    session: Session, settings: Settings, project: Project, owner: User
) -> None:
    other = create_project(session, "other", "https://example.com/o.git", "main", by="alice")
    third = create_project(session, "third", "https://example.com/t.git", "main", by="alice")
    one, two = authority("one").pem, authority("two").pem
    for each, ca in ((project, one), (other, two), (third, one)):
        set_credential(session, settings, each, PUBLIC, by=owner, ca=ca)
    set_credential(session, settings, other, "8.8.8.8:5000", by=owner, ca=two)
    assert certificates_of(session, project) == {PUBLIC: one + two}
    assert certificates_of(session, other) == {PUBLIC: one + two, "8.8.8.8:5000": two}


def test_a_project_has_a_limited_number_of_registries(
    session: Session, settings: Settings, project: Project, maintainer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(registries, "MOST", 1)
    login: dict[str, Any] = {"by": maintainer, "username": "me", "password": PASSWORD}
    set_credential(session, settings, project, PUBLIC, **login)
    assert refused(session, settings, project, host="8.8.8.8:5000", **login) == "host"
    set_credential(session, settings, project, PUBLIC, **login)


@pytest.mark.parametrize(
    "host", ["localhost:5000", "127.0.0.1:5000", "10.0.0.5", "169.254.169.254"]
)
def test_loopback_and_private_registries_need_the_owners_permission(
    session: Session, settings: Settings, project: Project, maintainer: User, host: str
) -> None:
    login: dict[str, Any] = {"by": maintainer, "username": "me", "password": PASSWORD}
    assert refused(session, settings, project, host=host, **login) == "host"
    with pytest.raises(PortwrightError, match="not public") as caught:
        check_registry(settings, host)
    assert "PORTWRIGHT_ALLOWED_HOSTS" in caught.value.remedy
    permitted = replace(settings, allowed_hosts="127.0.0.0/8,::1,10.0.0.5,169.254.169.254")
    assert set_credential(session, permitted, project, host, **login).host == host


def test_the_mirror_of_this_host_needs_no_permission(settings: Settings) -> None:
    mirrored = replace(settings, images="mirror:localhost:5000/hub")
    check_registry(mirrored, "localhost:5000")
    with pytest.raises(PortwrightError):
        check_registry(mirrored, "localhost:5001")


def test_docker_hub_is_looked_up_where_the_engine_finds_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def resolver(name: str, port: int) -> list[str]:
        asked.append((name, port))
        return ["1.1.1.1"] if "docker.io" in name else []

    monkeypatch.setattr(registries, "guard_of", lambda _: Guard(resolver=resolver))
    check_registry(settings, "index.docker.io")
    assert asked == [("registry-1.docker.io", 443)]
    with pytest.raises(Unreachable, match=r"the registry nowhere\.example has no address"):
        check_registry(settings, "nowhere.example")


def test_a_command_is_asked_at_each_use(
    session: Session, settings: Settings, project: Project, owner: User, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = script(tmp_path, f'echo x >> {count}; echo "tok-$(wc -l < {count})-$#"')
    given = {"username": "AWS", "command": command}
    set_credential(session, settings, project, PUBLIC, by=owner, **given)
    said: list[str] = []
    first, second = (logins_of(session, settings, project, said.append) for _ in range(2))
    assert first == {PUBLIC: Login("AWS", "tok-1-1")}
    assert second == {PUBLIC: Login("AWS", "tok-2-1")}
    assert said == [f"Requesting a password for {PUBLIC} (user AWS)"] * 2
    assert logins_of(session, settings, project, said.append, hosts={"ghcr.io"}) == {}
    assert count.read_text() == "x\nx\n", "not asked for a registry that is not needed"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("echo canary-out; echo canary-err >&2; exit 3", "exited with code 3"),
        ("exit 0", "printed no usable password"),
        ("echo", "printed no usable password"),
        ("printf 'canary-out\\000'", "printed no usable password"),
        ("printf 'canary-out\\377'", "not UTF-8"),
        ("yes canary-out", "printed more than 64 KiB"),
    ],
)
def test_a_failing_command_is_reported_without_its_output(
    session: Session, settings: Settings, project: Project, owner: User, tmp_path: Path,
    body: str, cause: str,
) -> None:  # fmt: skip
    given = {"username": "AWS", "command": script(tmp_path, body)}
    set_credential(session, settings, project, PUBLIC, by=owner, **given)
    with pytest.raises(PortwrightError, match=cause) as caught:
        logins_of(session, settings, project, lambda _: None)
    error = caught.value
    assert error.path == f"registries.{PUBLIC}" and PUBLIC in error.message and error.remedy
    shown = f"{error!r} {error.to_json()}"
    assert "canary" not in shown and "argument" not in shown


def test_a_hanging_command_ends_with_all_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = script(tmp_path, f"sleep 300 & echo $! > {pid}; echo canary; wait")
    started = time.monotonic()
    with pytest.raises(PortwrightError, match=r"did not finish within 0\.5 seconds") as caught:
        run_token_command(command, PUBLIC, seconds=0.5)
    assert time.monotonic() - started < 10 and "canary" not in str(caught.value)
    stat = Path(f"/proc/{pid.read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while stat.exists() and ") Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not stat.exists() or ") Z " in stat.read_text()


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match="could not be started"):
        run_token_command([str(tmp_path / "none")], PUBLIC)


def test_a_command_gets_no_input_and_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTWRIGHT_CANARY", "1")
    names = run_token_command(script(tmp_path, "cat; env | cut -d= -f1 | sort"), PUBLIC).split()
    assert set(names) - {"PWD", "OLDPWD", "SHLVL", "_"} == {"HOME", "LANG", "PATH"}


class NoBuilder:
    """An engine without containers and volumes."""

    def __init__(self) -> None:
        self.containers = self.volumes = self

    def get(self, name: str) -> None:
        raise NotFound(name)


def test_deleting_a_project_deletes_its_credentials(
    session: Session, settings: Settings, project: Project, maintainer: User
) -> None:
    login: dict[str, Any] = {"by": maintainer, "username": "me", "password": PASSWORD}
    other = create_project(session, "other", "https://example.com/o.git", "main", by="alice")
    for each in (project, other):
        set_credential(session, settings, each, PUBLIC, **login)
    project.deleted_at = now()
    run = add_run(session, project.environments[0], "succeeded")
    engine = SimpleNamespace(remove=lambda: None)
    context: Any = SimpleNamespace(
        session=session, settings=settings, project=project, run=run, engine=engine,
        log=lambda _: None, docker=NoBuilder(),
    )  # fmt: skip
    assert finish_deletion(context)
    session.commit()
    rows = session.scalars(select(RegistryCredential)).all()
    assert [each.project_id for each in rows] == [other.id]


def context_of(session: Session, settings: Settings, run: Run, log: list[str]) -> Context:
    out: Any = Log(log)
    return Context(settings, session, run, out, SimpleNamespace())  # type: ignore[arg-type]


class Log:
    """A run's log: its lines, and what it must hide."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.hidden: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def hide(self, values: Iterable[str]) -> None:
        self.hidden += values


def test_a_run_of_a_fork_gets_no_credentials(
    session: Session, settings: Settings, project: Project, maintainer: User
) -> None:
    login: dict[str, Any] = {"by": maintainer, "username": "me", "password": PASSWORD}
    set_credential(session, settings, project, PUBLIC, **login)
    for fork in (False, True):
        environment = Environment(name=f"pr-{1 + fork}", kind="preview", project_id=project.id)
        session.add(
            Preview(
                project=project, environment=environment, number=1 + fork, fork=fork,
                head_branch="change", base_branch="main", head_commit="a" * 40,
            )
        )  # fmt: skip
        session.commit()
        context = context_of(session, settings, add_run(session, environment), [])
        assert (context.login(PUBLIC) is None) == fork
        assert bool(context.all_logins()) != fork
        assert context.project_images.fork == fork


def test_a_build_goes_on_without_the_registry_whose_command_fails(
    session: Session, settings: Settings, project: Project, owner: User, tmp_path: Path
) -> None:
    set_credential(
        session, settings, project, "9.9.9.9:5000", by=owner, username="AWS",
        command=script(tmp_path, "exit 3"),
    )  # fmt: skip
    set_credential(session, settings, project, PUBLIC, by=owner, username="me", password=PASSWORD)
    lines: list[str] = []
    context = context_of(session, settings, add_run(session, project.environments[0]), lines)
    assert set(context.all_logins()) == {PUBLIC}
    assert any(line.startswith("builds without credentials for 9.9.9.9:5000") for line in lines)
    assert PASSWORD in context.log.hidden  # type: ignore[attr-defined]
