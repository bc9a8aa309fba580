"""`registries`: passwords come from standard input or a hidden prompt, and are printed nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from certificate_authority import authority
from flask import Flask

from jobs.database import session_factory
from jobs.models import Project, User
from jobs.registries import logins_of
from jobs.settings import Settings
from stacks.docker.images.login import Login

HOST = "1.1.1.1:5000"
SECRET = "tok-very-secret"


def logins(settings: Settings) -> dict[str, Login]:
    with session_factory(settings.database_url)() as session:
        project = session.query(Project).filter_by(name="sample").one()
        return logins_of(session, settings, project, lambda _: None)


@pytest.fixture
def host_owner(app: Flask, settings: Settings) -> None:
    with session_factory(settings.database_url)() as session:
        session.query(User).one().host_owner = True
        session.commit()


def set_registry(alice: Any, *words: str, typed: str | None = None) -> Any:
    return alice("registries", "set", "sample", HOST, *words, typed=typed)


@pytest.mark.parametrize("typed", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n"])
def test_a_password_comes_from_standard_input(alice: Any, settings: Settings, typed: str) -> None:
    done = set_registry(alice, "--username", "me", typed=typed)
    assert done.exit_code == 0 and SECRET not in done.output and HOST in done.output
    assert logins(settings) == {HOST: Login("me", SECRET)}


def test_a_password_with_lines_stays_whole(alice: Any, settings: Settings) -> None:
    key = '{\n  "private_key": "x"\n}\n\n'
    set_registry(alice, "--username", "_json_key", typed=key)
    assert logins(settings)[HOST].password == key[:-1]


def test_credentials_are_listed_and_removed(alice: Any) -> None:
    assert "No credentials" in alice("registries", "list", "sample").output
    set_registry(alice, "--username", "me", typed=SECRET)
    listed = alice("registries", "list", "sample").output
    assert HOST in listed and "me" in listed and SECRET not in listed
    (row,) = json.loads(alice("registries", "list", "sample", "--json").output)
    assert (row["host"], row["username"], row["kind"]) == (HOST, "me", "password")
    removed = alice("registries", "remove", "sample", HOST)
    assert removed.exit_code == 0 and HOST in removed.output
    assert alice("registries", "remove", "sample", HOST).exit_code == 1


def test_the_stored_name_is_shown(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.registries.check_registry", lambda *_: None)
    words = ("registries", "set", "sample", "index.docker.io", "--username", "me")
    assert "credentials of docker.io for user me" in alice(*words, typed=SECRET).output


def test_refusals(alice: Any, settings: Settings) -> None:
    url = ("registries", "set", "sample", "https://ghcr.io/", "--username", "me")
    refused = alice(*url, typed=SECRET)
    assert refused.exit_code == 1 and "To do: Use ghcr.io." in refused.output
    assert set_registry(alice).exit_code == 2
    assert set_registry(alice, "--command", "aws").exit_code == 2
    assert set_registry(alice, "--username", "me", SECRET).exit_code == 2
    empty = set_registry(alice, "--username", "me", typed="")
    assert empty.exit_code == 1 and "password: " in empty.output
    foreign = set_registry(alice, "--username", "AWS", "--command", "aws ecr")
    assert foreign.exit_code == 1 and "host's owner" in foreign.output
    quote = set_registry(alice, "--username", "AWS", "--command", "aws 'x")
    assert quote.exit_code == 1 and "unbalanced quote" in quote.output
    assert logins(settings) == {}


@pytest.mark.usefixtures("host_owner")
def test_a_command_and_a_ca(alice: Any, settings: Settings, tmp_path: Path) -> None:
    command = "printf '%s %s' one 'two  three'"
    done = set_registry(alice, "--username", "AWS", "--command", command)
    assert done.exit_code == 0, done.output
    assert logins(settings) == {HOST: Login("AWS", "one two  three")}
    trusted = tmp_path / "ca.crt"
    trusted.write_text(authority().pem)
    done = set_registry(alice, "--ca", str(trusted))
    assert done.exit_code == 0, done.output
    listed = alice("registries", "list", "sample").output
    assert "expires 20" in listed and "command" in listed and "printf" not in listed
    assert set_registry(alice, "--ca", str(trusted), "--no-ca").exit_code == 2
    assert set_registry(alice, "--no-ca").exit_code == 0
    assert json.loads(alice("registries", "list", "sample", "--json").output)[0]["ca"] == []
    assert set(logins(settings)) == {HOST}
