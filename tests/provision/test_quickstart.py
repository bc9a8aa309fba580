"""What a newcomer reads while steps run, and when one can't."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.settings import Settings
from provision import preflight, quickstart, stopping, summary
from provision.environment import environment, listen
from provision.steps import Runner, Step, StepFailed, changes_of, failure_lines
from stacks.errors import PortwrightError, explained

CHECKOUT = Path(__file__).resolve().parents[2]


def runner(tmp_path: Path, total: int = 2) -> Runner:
    return Runner(dict(os.environ), tmp_path / "log", total, tty=False)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_step_says_its_number_what_it_did_and_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = runner(tmp_path)
    steps.run(Step("Packages", python("print('unpacking')")))
    steps.run(Step("Images", python("raise SystemExit(9)"), done=python("pass")))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("[1/2] Packages: done (") and first.endswith(" s)")
    assert second.startswith("[2/2] Images: already so (")
    assert [(r["step"], r["changed"]) for r in steps.results] == [
        ("Packages", True),
        ("Images", False),
    ]
    assert steps.changed == 1
    assert (tmp_path / "log").read_text() == "unpacking\n"


def test_steps_of_one_command_are_told_one_by_one_and_the_one_that_fails_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(changed: bool, error: str | None = None) -> str:
        operations = [{"name": "redis | folder", "changed": changed}]
        return json.dumps({"changed": int(changed), "operations": operations, "error": error})

    lines = ["unpacking", told(True), told(False), "starting", told(False, "no room")]
    code = f"print({chr(10).join(lines)!r}); raise SystemExit(1)"
    steps = runner(tmp_path, 4)
    with pytest.raises(StepFailed) as caught:
        steps.run_all(["Redis", "Postgres", "Portal", "Metrics"], python(code), "do this")
    assert (caught.value.title, caught.value.lines) == ("Portal", ["no room"])
    said = [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["[1/4] Redis: folder", "[2/4] Postgres: already so", "[3/4] Portal: failed"]
    assert [(each["step"], each["operations"]) for each in steps.results] == [
        ("Redis", 1),
        ("Postgres", 0),
    ]


def test_a_long_step_shows_what_it_is_doing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.steps.PLAIN_EVERY", 0.2)
    code = "import time; print('compiling net/http', flush=True); time.sleep(1.2)"
    runner(tmp_path, 1).run(Step("Build", python(code)))
    assert "s  compiling net/http" in capsys.readouterr().out


def test_a_failed_step_keeps_its_last_lines(tmp_path: Path) -> None:
    code = "print('one'); print('two'); raise SystemExit(1)"
    with pytest.raises(StepFailed) as caught:
        runner(tmp_path, 1).run(Step("Build", python(code), remedy="do this"))
    failed = caught.value
    assert (failed.title, failed.lines, failed.remedy) == ("Build", ["one", "two"], "do this")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["no disk"], ["  no disk", "  all it said: /log", "  what to do: free some"]),
        (
            ["no disk", "what to do: buy one"],
            [
                "  no disk",
                "  all it said: /log",
                "  what to do: buy one; then run it again: it goes on from there",
            ],
        ),
    ],
)
def test_a_step_that_failed_is_told_with_one_remedy_its_own_before_all_others(
    lines: list[str], told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught, explained():
        raise StepFailed("Build", lines, "free some", Path("/log"))
    assert caught.value.code == 1
    said = capsys.readouterr().err.splitlines()
    assert said == ["", "It stopped at this step: Build", *told]


def test_changes_and_errors_of_a_converge() -> None:
    operations = [
        {"name": "redis | conf", "changed": True},
        {"name": "redis | x", "changed": False},
    ]
    line = json.dumps({"changed": 1, "operations": operations, "error": "a: b\nc"})
    assert changes_of(["noise", line]) == ["conf"]
    assert failure_lines(["noise", line]) == ["a: b", "c"]
    # What an interpreter says while it ends hides neither.
    assert changes_of([line, "Exception ignored in"]) == ["conf"]


def test_the_last_words_count_without_an_end_of_line(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('no disk'); sys.exit(1)"
    with pytest.raises(StepFailed) as caught:
        runner(tmp_path, 1).run(Step("Build", python(code)))
    assert caught.value.lines == ["no disk"]


def test_the_environment_names_every_setting() -> None:
    given = environment(Settings(home=Path("/h"), instance="abc", portal_port=1234))
    assert Settings.from_environ(given) == Settings(
        home=Path("/h"), instance="abc", portal_port=1234
    )


def test_a_taken_port_is_refused_before_anything_changes(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        with pytest.raises(PortwrightError) as caught:
            preflight.check(Settings(home=tmp_path, portal_port=number))
    assert f"port {number}, which the portal needs, is in use" in caught.value.message
    assert "PORTWRIGHT_PORTAL_PORT" in caught.value.remedy


def test_one_port_for_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match="is given to the portal and to deployed services"):
        preflight.check(Settings(home=tmp_path, portal_port=18999, http_port=18999))


def test_the_librarys_port_is_shared_by_homes_but_not_by_daemons(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match="is given to"):
        preflight.check(Settings(home=tmp_path, portal_port=18999, library_port=18999))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = {"portal_port": 18997, "http_port": 18998, "traefik_port": 18999}
        preflight.check(Settings(home=tmp_path, library_port=other.getsockname()[1], **ports))


@pytest.mark.parametrize(
    ("sample", "deploy", "titles"),
    [
        ("yes", True, ["Packages for the sample's images", "Sample's images", "Sample repository"]),
        ("yes", False, ["Packages for the sample's images", "Sample's images"]),
        ("no", True, []),
    ],
)
def test_the_library_is_only_brought_up_for_the_sample(
    sample: str, deploy: bool, titles: list[str]
) -> None:
    found = quickstart.steps(Settings(sample=sample), deploy_sample=deploy)
    named = [step.title for step in found if "ample" in step.title]
    assert named[: len(titles)] == titles and bool(named) == bool(titles)


def test_the_status_names_the_library_where_the_sample_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(summary, "docker", lambda *argv: ["id"])
    monkeypatch.setattr(summary, "states", lambda _: dict.fromkeys(stopping.DAEMONS, True))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(home=tmp_path, library_port=other.getsockname()[1])
        assert summary.status(settings) == 0
        assert "library     runs, started from here" in capsys.readouterr().out
    assert summary.status(settings) == 1
    assert "library     does not run" in capsys.readouterr().out
    assert summary.status(replace(settings, sample="no")) == 0
    assert "library" not in capsys.readouterr().out


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match=r"this machine has no address 203\.0\.113\.9"):
        preflight.check(Settings(home=tmp_path, bind="203.0.113.9"))


def test_an_address_is_written_as_servers_take_it() -> None:
    assert (listen("127.0.0.1", 80), listen("::1", 80)) == ("127.0.0.1:80", "[::1]:80")


def test_another_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "system_id", lambda: "fedora")
    with pytest.raises(PortwrightError, match="this is fedora"):
        preflight.check(Settings(home=tmp_path))


def test_too_little_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "MIN_DISK", 2**60)
    with pytest.raises(PortwrightError, match="MB are free for"):
        preflight.check(Settings(home=tmp_path))


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORTWRIGHT_INSTANCE", "No;spaces"), ("PORTWRIGHT_HTTP_PORT", "http")],
)
def test_a_bad_setting_is_a_plain_error(tmp_path: Path, variable: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision.quickstart"],
        cwd=CHECKOUT,
        env={**os.environ, "PORTWRIGHT_HOME": str(tmp_path), variable: value},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{variable}: ") and "what to do:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["status", "stop"])
def test_looking_and_stopping_leave_no_trace(tmp_path: Path, command: str) -> None:
    """Not even where neither Portwright nor Docker ever was."""
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "provision.quickstart", command],
        cwd=CHECKOUT,
        env={"PATH": "/nonexistent", "PORTWRIGHT_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1 if command == "status" else 0, "")
    assert not home.exists()


def test_an_unknown_command_is_a_plain_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision.quickstart", "restart"],
        cwd=CHECKOUT,
        env={**os.environ, "PORTWRIGHT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "'restart' is no command" in done.stderr


def test_the_sample_repository_is_whole_and_made_once(tmp_path: Path) -> None:
    target = tmp_path / "git/sample.git"
    subprocess.run(["/bin/sh", CHECKOUT / "provision/sample-repository", target], check=True)
    listed = subprocess.run(
        ["git", "--git-dir", target, "ls-tree", "-r", "--name-only", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == [
        "portwright.yaml",
        "web/Dockerfile",
        "web/VERSION",
        "web/app.py",
    ]
