"""Planning, deploying, going back, reading, secrets: what is asked for and what is printed."""

from __future__ import annotations

import json
from threading import Timer
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cli.show import clean
from jobs.database import session_factory
from jobs.models import Run, Secret
from jobs.settings import Settings
from stacks.plan import Plan


def newest(settings: Settings) -> Run:
    with session_factory(settings.database_url)() as session:
        return session.query(Run).order_by(Run.id.desc()).first()


def test_projects_are_listed_and_added(alice: Any) -> None:
    assert (
        alice(
            "projects", "add", "other", "https://git.example.com/other.git", "--branch", "dev"
        ).exit_code
        == 0
    )
    text = alice("projects").output
    assert "sample" in text and "other" in text
    names = [each["name"] for each in json.loads(alice("projects", "--json").output)]
    assert names == ["other", "sample"]
    taken = alice("projects", "add", "other", "https://git.example.com/other.git")
    assert taken.exit_code == 1 and "is there already" in taken.output


def test_a_plan_reads_as_a_diff(alice: Any, settings: Settings) -> None:
    result = alice("plan", "sample", "--ref", "v1")
    assert result.exit_code == 0
    for words in (
        "± replace Container sample-web  (service web)",
        "[RESTART]",
        "[DATA LOSS]",
        "because the image changes",
        "image  sha256:a1a1a1a1a1a1… → sha256:b2b2b2b2b2b2…",
        "env.COLOR  amber → [31m[bold]teal[/bold]",
        "env.PASSWORD  •••••••• → ••••••••",
        "Plan: 1 to replace, 4 unchanged",
        "portwright deploy sample --ref 0123456789abcdef",
    ):
        assert words in result.output
    assert "\x1b" not in result.output
    assert (newest(settings).kind, newest(settings).ref) == ("plan", "v1")


def test_exit_codes_of_a_plan(alice: Any, worker: Any) -> None:
    assert alice("plan", "sample", "--exit-code").exit_code == 2
    assert alice("plan", "sample").exit_code == 0
    worker.plan = Plan(same=5)
    empty = alice("plan", "sample", "--exit-code")
    assert empty.exit_code == 0 and "Nothing would change." in empty.output
    worker.error = {"path": "services.web", "message": "no such image", "remedy": "push it"}
    failed = alice("plan", "sample", "--exit-code")
    assert failed.exit_code == 1
    assert "Error: services.web: no such image" in failed.output
    assert "To do: push it" in failed.output


def test_a_plan_as_json(alice: Any, worker: Any) -> None:
    assert json.loads(alice("plan", "sample", "--json").output)["hash"] == worker.plan.hash


def test_deploy_shows_the_log_and_the_release(alice: Any, settings: Settings, worker: Any) -> None:
    result = alice("deploy", "sample", "--ref", "main", "--plan", worker.plan.hash)
    assert result.exit_code == 0
    assert "building\nhealthy\ndeploy 1: succeeded, release 1" in result.output
    assert newest(settings).expected_plan == worker.plan.hash


def test_a_deploy_that_fails(alice: Any, worker: Any) -> None:
    worker.error = {"path": "", "message": "the container stopped", "remedy": "read the log"}
    result = alice("deploy", "sample")
    assert result.exit_code == 1
    assert "deploy 1: failed" in result.output
    assert "Error: the container stopped\nTo do: read the log" in result.output


def test_a_deploy_that_nobody_waits_for(alice: Any, worker: Any) -> None:
    worker.idle = True
    result = alice("deploy", "sample", "--no-follow")
    assert result.exit_code == 0 and "/runs/1" in result.output


def test_a_log_is_followed_while_it_grows(alice: Any, worker: Any) -> None:
    worker.idle = True
    alice("deploy", "sample", "--no-follow")
    worker.idle = False
    Timer(0.3, worker, (1,)).start()
    result = alice("logs", "sample", "--follow")
    assert result.exit_code == 0 and result.output.startswith("building\nhealthy\n")


def test_logs_of_a_run_and_of_a_project(alice: Any) -> None:
    assert "has no runs yet" in alice("logs", "sample").output
    alice("deploy", "sample")
    assert alice("logs", "1").output == alice("logs", "sample").output == "building\nhealthy\n"
    assert alice("logs", "99").exit_code == 1


def test_releases_and_rollback(alice: Any, settings: Settings) -> None:
    assert "No releases yet" in alice("releases", "sample").output
    alice("deploy", "sample")
    alice("deploy", "sample")
    assert "release 3" in alice("rollback", "sample", "1").output
    assert newest(settings).target == 1
    assert "rolled back to 1" in alice("releases", "sample").output
    numbers = [each["number"] for each in json.loads(alice("releases", "sample", "--json").output)]
    assert numbers == [3, 2, 1]
    preview = alice("plan", "sample", "--release", "2").output
    assert "portwright rollback sample 2 --plan " in preview
    assert "there is no release 9" in alice("rollback", "sample", "9").output
    assert "rollback" in alice("runs", "sample").output


def test_destroy_asks_for_the_name(alice: Any, settings: Settings, worker: Any) -> None:
    refused = alice("destroy", "sample", typed="smaple\n")
    assert refused.exit_code == 1 and "nothing was removed" in refused.output
    assert worker.done == []
    assert alice("destroy", "sample", typed="sample\n").exit_code == 0
    assert newest(settings).options == {"volumes": []}
    assert alice("destroy", "sample", "--yes", "--volume", "database_data").exit_code == 0
    assert newest(settings).options == {"volumes": ["database_data"]}


def test_a_secret_comes_from_standard_input(alice: Any, settings: Settings) -> None:
    result = alice("secrets", "set", "sample", "api_key", typed="line one\nline two\n")
    assert result.exit_code == 0 and "version 1" in result.output
    assert "line one" not in result.output
    assert alice("secrets", "set", "sample", "api_key", "value-in-argv").exit_code == 2
    assert alice("secrets", "set", "sample", "api_key", typed="").exit_code == 1
    with session_factory(settings.database_url)() as session:
        row = session.query(Secret).one()
    vault = Fernet(settings.key("vault-key"))
    assert vault.decrypt(row.sealed) == b"line one\nline two\n"
    listed = json.loads(alice("secrets", "list", "sample", "--json").output)
    assert listed == [{"name": "api_key", "version": 1}]


@pytest.mark.parametrize(
    "data", [b"key\r\n\r\n", b"\n", b"\xef\xbb\xbf\xc3\xa9 ", b"a\rb\x1a\x1b[0m"]
)
def test_standard_input_is_stored_byte_for_byte(
    alice: Any, settings: Settings, data: bytes
) -> None:
    assert alice("secrets", "set", "sample", "key", typed=data).exit_code == 0
    with session_factory(settings.database_url)() as session:
        row = session.query(Secret).one()
    assert Fernet(settings.key("vault-key")).decrypt(row.sealed) == data


@pytest.mark.parametrize(("data", "noted"), [("word\n", True), ("word", False), ("a\nb\n", False)])
def test_a_newline_that_echo_added_is_mentioned(alice: Any, data: str, noted: bool) -> None:
    done = alice("secrets", "set", "sample", "key", typed=data)
    assert ("ends with a newline" in done.output) == noted


@pytest.mark.parametrize(("data", "where"), [(b"canary\xff", "key: "), (b"canary\0", "value: ")])
def test_what_can_not_be_stored_unchanged_is_refused(
    alice: Any, settings: Settings, data: bytes, where: str
) -> None:
    refused = alice("secrets", "set", "sample", "key", typed=data)
    assert refused.exit_code == 1 and where in refused.output and "base64" in refused.output
    assert "canary" not in refused.output
    with session_factory(settings.database_url)() as session:
        assert session.query(Secret).count() == 0


def test_a_typed_secret_ends_where_the_line_does(
    alice: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    done = alice("secrets", "set", "sample", "key", typed=" word \n word \n")
    assert done.exit_code == 0, done.output
    with session_factory(settings.database_url)() as session:
        row = session.query(Secret).one()
    assert Fernet(settings.key("vault-key")).decrypt(row.sealed) == b" word "


@pytest.mark.parametrize("name", ["nothing", "../x", "a/b", "sämple"])
def test_a_project_that_is_not_there(alice: Any, name: str) -> None:
    result = alice("plan", name)
    assert result.exit_code == 1 and "Error: " in result.output
    assert "Traceback" not in result.output


def test_a_terminal_is_not_told_what_to_do() -> None:
    assert clean("a\x1b]0;evil\x07\x9b1mb\u202e") == "a]0;evil1mb"


def test_registries_are_asked_again_with_pull(alice: Any, settings: Settings) -> None:
    for command in ("plan", "deploy"):
        result = alice(command, "sample", "--pull", "--no-cache")
        assert result.exit_code == 0, result.output
        options = newest(settings).options
        assert (options["pull"], options["no_cache"]) == (True, True)
        if command == "plan":
            assert "--pull --no-cache --plan" in result.output
    assert alice("plan", "sample", "--release", "1", "--pull").exit_code == 2
    alice("deploy", "sample")
    assert "pull" not in newest(settings).options
