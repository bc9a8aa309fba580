"""A project's source: settings, credentials that never come out, keys, and a real server to read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_data as data
from flask import Flask
from ssh_server import SshServer

from jobs.models import Project, Source
from jobs.settings import Settings
from jobs.sources import opened
from portal.database import db

SOURCE = "/api/projects/sample/source"
PAGE = "/projects/sample/source"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The host's owner permits servers on this machine."""
    settings = Settings(home=tmp_path / "home", allowed_hosts="127.0.0.1")
    data.make_home(settings)
    return settings


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit on `main`."""
    folder = tmp_path / "sample.git"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    commit = ["git", "-C", folder, *who, "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(commit, check=True)
    return folder


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    server = SshServer(tmp_path / "sshd")
    yield server
    server.stop()


def at(app: Flask, address: str) -> None:
    with app.app_context():
        db.session.query(Project).one().repository = address
        db.session.commit()


def test_settings_are_kept_and_a_bad_one_is_named(api: Any, page: Any) -> None:
    alice = api("alice")
    assert alice.get(SOURCE).json["source"]["poll_minutes"] == 0  # nothing is kept yet
    wanted = {"forge": "gitea", "full_name": "me/sample", "submodules": True, "poll_minutes": 5}
    answer = alice.patch(SOURCE, json=wanted).json
    assert {name: answer["source"][name] for name in wanted} == wanted
    assert answer["source"]["api_url_default"] == "https://git.example.org/api/v1"
    for field, value in (
        ("api_url", "https://me:pass@git.example.org"),
        ("api_url", "file:///etc/passwd"),
        ("poll_minutes", 10_081),
        ("lfs", "yes"),
    ):
        refused = alice.patch(SOURCE, json={field: value})
        assert refused.status_code == 422 and refused.json["error"]["path"] == field
    form = {"forge": "gitea", "poll_minutes": "often"}
    again = page("alice").post(PAGE, data=form)
    assert again.status_code == 422 and "poll_minutes: " in again.text


def test_never_stays_never_when_the_form_is_kept_again(api: Any, page: Any) -> None:
    minutes = 'name="poll_minutes" type="number" min="0" max="10080" required value="{}"'
    assert minutes.format(10) in page("alice").get(PAGE).text
    api("alice").patch(SOURCE, json={"poll_minutes": 0})
    assert minutes.format(0) in page("alice").get(PAGE).text


def test_credentials_go_in_and_only_their_names_come_out(
    api: Any, page: Any, app: Flask, settings: Settings
) -> None:
    alice, browser = api("alice"), page("alice")
    given = {"token": "tok-very-secret", "username": "me"}
    answer = alice.put(f"{SOURCE}/credentials", json=given)
    assert answer.json["source"]["credentials"] == ["token", "username"]
    browser.post(f"{PAGE}/credentials", data={"password": "pass-very-secret", "forget": "username"})
    shown = [
        answer.text,
        alice.get(SOURCE).text,
        browser.get(PAGE).text,
        page("vera").get(PAGE).text,
    ]
    assert not any("very-secret" in text for text in shown)
    with app.app_context():
        source = db.session.query(Source).one()
        kept = opened(source, settings.key("vault-key"))
        assert (kept.token, kept.password, kept.username) == (
            "tok-very-secret", "pass-very-secret", "",
        )  # fmt: skip
    refused = alice.put(f"{SOURCE}/credentials", json={"token": "bad-secret\n"})
    assert refused.status_code == 422 and "bad-secret" not in refused.text


def test_a_token_goes_to_the_address_it_was_given_for_and_to_no_other(api: Any) -> None:
    alice = api("alice")
    alice.patch(SOURCE, json={"forge": "gitea"})
    alice.put(f"{SOURCE}/credentials", json={"token": "t1", "password": "p1"})
    same = alice.patch(SOURCE, json={"api_url": "https://git.example.org/elsewhere", "lfs": True})
    assert (same.json["token_forgotten"], same.json["source"]["credentials"]) == (
        False, ["password", "token"],
    )  # fmt: skip
    other = alice.patch(SOURCE, json={"api_url": "https://evil.example.org/api/v1"})
    assert (other.json["token_forgotten"], other.json["source"]["credentials"]) == (
        True, ["password"],
    )  # fmt: skip


@pytest.mark.system
def test_a_repository_is_read_by_ssh_once_key_and_host_key_are_set(
    api: Any, page: Any, app: Flask, sshd: SshServer, repository: Path
) -> None:
    alice = api("alice")
    at(app, sshd.url(repository))
    before = alice.post(f"{SOURCE}/test").json
    assert (before["git"]["kind"], before["api"]) == ("host-key", None)
    shown = alice.post(f"{SOURCE}/host-key", json={}).json["shown"]
    real = sshd.host_key()
    assert shown == [{"type": real.type, "fingerprint": real.fingerprint}]
    wrong = alice.post(f"{SOURCE}/host-key", json={"confirm": ["SHA256:" + "x" * 43]})
    assert wrong.status_code == 422 and wrong.json["error"]["path"] == "confirm"
    pinned = alice.post(f"{SOURCE}/host-key", json={"confirm": [real.fingerprint]})
    assert pinned.json["host_keys"] == shown
    assert alice.post(f"{SOURCE}/test").json["git"]["kind"] == "authentication"
    key = alice.post(f"{SOURCE}/key").json["public_key"]
    sshd.let_in(key)
    after = alice.post(f"{SOURCE}/test").json["git"]
    assert (after["ok"], after["branches"]) == (True, ["main"])
    text = page("alice").get(PAGE).text
    assert key in text and real.fingerprint in text and "PRIVATE KEY" not in text
    assert "git: it can be read" in page("alice").post(f"{PAGE}/test").text


def test_a_key_that_is_entered_by_hand_has_no_public_part_to_show(api: Any) -> None:
    alice = api("alice")
    assert alice.post(f"{SOURCE}/key").json["public_key"].startswith("ssh-ed25519 ")
    answer = alice.put(f"{SOURCE}/credentials", json={"private_key": "mine"})
    assert answer.json["source"]["public_key"] is None


def test_what_can_not_be_read_says_what_to_do(
    api: Any, page: Any, app: Flask, settings: Settings
) -> None:
    alice = api("alice")
    at(app, "/nowhere/at/all.git")
    git = alice.post(f"{SOURCE}/test").json["git"]
    assert not git["ok"] and git["remedy"]
    app.extensions["settings"] = replace(settings, allowed_hosts="")
    alice.patch(SOURCE, json={"forge": "gitea", "api_url": "http://127.0.0.1:9/api/v1"})
    alice.put(f"{SOURCE}/credentials", json={"token": "t1"})
    forge = alice.post(f"{SOURCE}/test").json["api"]
    assert not forge["ok"] and "not public" in forge["message"]
    text = page("alice").post(f"{PAGE}/test").text
    assert "not public" in text and "What to do:" in text


def test_a_host_key_is_for_ssh_only(api: Any) -> None:
    refused = api("alice").post(f"{SOURCE}/host-key", json={})
    assert refused.status_code == 422 and refused.json["error"]["path"] == "repository"


def test_it_is_looked_at_now_where_it_is_looked_at_at_all(api: Any, app: Flask) -> None:
    alice = api("alice")
    assert alice.post(f"{SOURCE}/poll").json["error"]["path"] == "poll_minutes"
    alice.patch(SOURCE, json={"poll_minutes": 60})
    with app.app_context():
        source = db.session.query(Source).one()
        source.polled_at = source.project.created_at
        source.problem = {"message": data.HOSTILE, "remedy": "look there"}
        db.session.commit()
    assert alice.post(f"{SOURCE}/poll").json["source"]["polled_at"] is None


def test_why_the_last_look_failed_is_shown_as_text(api: Any, page: Any, app: Flask) -> None:
    api("alice").patch(SOURCE, json={"poll_minutes": 60})
    with app.app_context():
        problem = {"message": data.HOSTILE, "remedy": "look there"}
        db.session.query(Source).one().problem = problem
        db.session.commit()
    text = page("vera").get(PAGE).text
    assert "look there" in text and "<script>alert" not in text and "Keep settings" not in text
