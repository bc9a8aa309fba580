"""`source`, `hooks`, `previews`, `snapshots`: what is asked for, what is printed, what never is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from jobs.database import session_factory
from jobs.models import Delivery, Environment, Hook, Preview, Project, Run, Secret, Source
from jobs.settings import Settings
from jobs.sources import opened

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def database(app: Any, settings: Settings) -> Callable[[], Session]:
    return session_factory(settings.database_url)


def add_preview(session: Session, number: int, **columns: Any) -> None:
    project = session.query(Project).one()
    environment = Environment(name=f"pr-{number}", kind="preview", policy="auto", project=project)
    session.add_all([environment, preview_of(project, environment, number, columns)])
    session.commit()


def preview_of(project: Project, environment: Environment, number: int, columns: Any) -> Preview:
    usual = {"title": "Teal", "author": "eve", "head_branch": "teal", "base_branch": "main"}
    usual |= {"head_commit": COMMIT, "project": project, "environment": environment}
    return Preview(number=number, **{**usual, **columns})


def test_settings_of_a_source(alice: Any) -> None:
    assert "never" in alice("source", "show", "sample").output
    kept = alice("source", "set", "sample", "--forge", "gitea", "--poll", "5", "--lfs")
    assert kept.exit_code == 0 and "kept" in kept.output
    shown = alice("source", "show", "sample").output
    for words in ("gitea", "https://git.example.com/api/v1", "every 5 minutes"):
        assert words in shown
    assert json.loads(alice("source", "show", "sample", "--json").output)["lfs"] is True
    bad = alice("source", "set", "sample", "--api", "https://me:pass@host")
    assert bad.exit_code == 1 and "api_url: " in bad.output
    assert alice("source", "set", "sample").exit_code == 2
    assert alice("source", "poll", "sample").exit_code == 0


def test_a_credential_comes_from_standard_input_and_is_printed_nowhere(
    alice: Any, settings: Settings, database: Callable[[], Session]
) -> None:
    kept = alice("source", "set", "sample", "--credential", "token", typed="tok-secret\n")
    assert kept.exit_code == 0 and "tok-secret" not in kept.output
    with database() as session:
        source = session.query(Source).one()
        assert opened(source, settings.key("vault-key")).token == "tok-secret"
    shown = alice("source", "show", "sample").output
    assert "token" in shown and "tok-secret" not in shown
    assert alice("source", "set", "sample", "--credential", "token", typed="").exit_code == 1
    alice("source", "set", "sample", "--forget", "token")
    assert json.loads(alice("source", "show", "sample", "--json").output)["credentials"] == []


def test_a_key_and_a_test(alice: Any, database: Callable[[], Session]) -> None:
    key = alice("source", "key", "sample").output
    assert key.startswith("ssh-ed25519 ") and key.count("\n") == 1
    with database() as session:
        session.query(Project).one().repository = "/nowhere/at/all.git"
        session.commit()
    tried = alice("source", "test", "sample")
    assert tried.exit_code == 1 and "Error: git: " in tried.output and "To do:" in tried.output
    found = json.loads(alice("source", "test", "sample", "--json").output)
    assert found["api"] is None and not found["git"]["ok"]
    assert "has no host key" in alice("source", "host-key", "sample").output


def test_hooks_are_made_listed_rotated_and_removed(
    alice: Any, database: Callable[[], Session]
) -> None:
    assert "No hooks yet" in alice("hooks", "list", "sample").output
    made = alice("hooks", "add", "sample", "--forge", "github").output
    assert "shown this once" in made and "Payload URL" in made
    with database() as session:
        hook = session.query(Hook).one()
        assert hook.scheme == "github"
    assert hook.address in alice("hooks", "list", "sample").output
    without = alice("hooks", "add", "sample", "--forge", "gitlab", "--at-forge")
    assert without.exit_code == 0 and "no token of GitLab is kept" in without.output
    rotated = alice("hooks", "rotate", "sample", str(hook.id))
    assert rotated.exit_code == 0 and "The new secret" in rotated.output
    assert alice("hooks", "set-up", "sample", str(hook.id)).exit_code == 1
    assert "is deleted" in alice("hooks", "remove", "sample", str(hook.id)).output
    assert alice("hooks", "remove", "sample", str(hook.id)).exit_code == 1


def test_deliveries_are_read_and_worked_through_again(
    alice: Any, database: Callable[[], Session]
) -> None:
    alice("hooks", "add", "sample")
    body = json.dumps({"ref": "refs/heads/main", "after": COMMIT, "by": "\x1b[31mred"}).encode()
    with database() as session:
        hook = session.query(Hook).one()
        told = {"event": "push", "outcome": "deploys production"}
        session.add(Delivery(hook=hook, key="d1", body=body, headers={"User-Agent": "x"}, **told))
        session.commit()
    assert "deploys production" in alice("hooks", "deliveries", "sample").output
    shown = alice("hooks", "deliveries", "sample", "1").output
    assert "User-Agent: x" in shown and COMMIT in shown and "\x1b" not in shown
    again = alice("hooks", "redeliver", "sample", "1")
    assert again.exit_code == 0 and "deploys production, run 1" in again.output
    newest = json.loads(alice("hooks", "deliveries", "sample", "--json", "--limit", "1").output)
    assert [(each["redelivery_of"], each["runs"]) for each in newest] == [(1, [1])]


def test_a_fork_is_approved_after_a_look(alice: Any, database: Callable[[], Session]) -> None:
    with database() as session:
        add_preview(session, 8, state="held", fork=True, held="it is a fork's")
    assert "held" in alice("previews", "list", "sample").output
    refused = alice("previews", "approve", "sample", "8", typed="n\n")
    assert refused.exit_code == 1 and "code of a stranger" in refused.output
    other = alice("previews", "approve", "sample", "8", "--commit", "f" * 40)
    assert other.exit_code == 1 and "commit: " in other.output
    with database() as session:
        assert session.query(Run).count() == 0
    done = alice("previews", "approve", "sample", "8", typed="y\n")
    assert done.exit_code == 0 and "deploy 1: succeeded" in done.output


def test_a_preview_is_extended_woken_and_closed(
    alice: Any, database: Callable[[], Session]
) -> None:
    with database() as session:
        add_preview(session, 7, asleep=True)
    assert "It stays until" in alice("previews", "extend", "sample", "7", "--hours", "5").output
    assert "wakes up" in alice("previews", "wake", "sample", "7").output
    assert "has no address" in alice("previews", "open", "sample", "7").output
    assert alice("previews", "close", "sample", "7", typed="n\n").exit_code == 1
    closed = alice("previews", "close", "sample", "7", "--yes")
    assert closed.exit_code == 0 and "destroy 1: succeeded" in closed.output
    assert "No previews." in alice("previews", "list", "sample").output
    gone = json.loads(alice("previews", "list", "sample", "--closed", "--json").output)
    assert [each["status"] for each in gone] == ["closed"]


def test_settings_of_previews(alice: Any) -> None:
    on = ("--on", "--most", "3", "--base", "main", "--base", "release/*", "--protect", "members")
    assert alice("previews", "settings", "sample", *on).exit_code == 0
    kept = json.loads(alice("previews", "settings", "sample", "--json").output)
    assert (kept["enabled"], kept["most"], kept["bases"], kept["protect"]) == (
        True, 3, ["main", "release/*"], "members",
    )  # fmt: skip
    alice("previews", "settings", "sample", "--off", "--base", "")
    kept = json.loads(alice("previews", "settings", "sample", "--json").output)
    assert (kept["enabled"], kept["bases"], kept["most"]) == (False, [], 3)


def test_secrets_of_all_previews(alice: Any, database: Callable[[], Session]) -> None:
    asked = ("secrets", "set", "sample", "preview_password", "-e", "previews")
    assert alice(*asked, typed="open sesame\n").exit_code == 0
    with database() as session:
        assert session.query(Secret).one().environment == "previews"
    listed = alice("secrets", "list", "sample", "-e", "previews", "--json").output
    assert json.loads(listed) == [{"name": "preview_password", "version": 1}]
    assert json.loads(alice("secrets", "list", "sample", "--json").output) == []


def test_snapshots(alice: Any, settings: Settings, database: Callable[[], Session]) -> None:
    early = alice("snapshots", "take", "sample", "base", "db", "pg_dump", "-U", "me")
    assert early.exit_code == 1 and "nothing is deployed" in early.output
    alice("deploy", "sample")
    taken = alice("snapshots", "take", "sample", "base", "db", "pg_dump", "-U", "me")
    assert taken.exit_code == 0 and "snapshot 2: succeeded" in taken.output
    with database() as session:
        assert session.get_one(Run, 2).options["snapshot"]["command"] == ["pg_dump", "-U", "me"]
    folder = settings.home / "snapshots" / "sample"
    folder.mkdir(parents=True)
    (folder / "base").write_bytes(b"dump")
    assert "base" in alice("snapshots", "list", "sample").output
    assert alice("snapshots", "remove", "sample", "base").exit_code == 0
    assert alice("snapshots", "remove", "sample", "base").exit_code == 1


def test_which_pushes_deploy_an_environment(alice: Any) -> None:
    changed = alice("environments", "pushes", "sample", "production", "--tags", "v*")
    assert changed.exit_code == 0 and "tags v*" in changed.output
    every = alice("environments", "pushes", "sample", "production", "--every-push")
    assert "branches main" in every.output
    assert alice("environments", "pushes", "sample", "production").exit_code == 2
    bad = alice("environments", "pushes", "sample", "production", "--paths", "../x")
    assert bad.exit_code == 1 and "paths: " in bad.output
