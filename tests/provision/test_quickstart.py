"""What a newcomer reads while steps run, and when one can't."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.settings import Settings
from provision import preflight
from provision.environment import environment
from provision.steps import Runner, Step, StepFailed, changes_of, failure_lines
from stacks.errors import PortwrightError

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


def test_changes_and_errors_of_a_converge() -> None:
    operations = [
        {"name": "redis | conf", "changed": True},
        {"name": "redis | x", "changed": False},
    ]
    line = json.dumps({"changed": 1, "operations": operations, "error": "a: b\nc"})
    assert changes_of(["noise", line]) == ["conf"]
    assert failure_lines(["noise", line]) == ["a: b", "c"]


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
