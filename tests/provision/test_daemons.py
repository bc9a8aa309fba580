"""Processes by pid: started once, found again, ended only when they are ours."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provision.daemons import Daemon, DaemonError, running, start, stop
from stacks.processes import start_time

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time\nsignal.signal(15, signal.SIG_IGN)\nopen(sys.argv[1], 'w')\ntime.sleep(60)",
]


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_start_find_stop(tmp_path: Path) -> None:
    daemon = Daemon("sleeper", SLEEPER)
    pid = start(tmp_path, daemon)
    record = running(tmp_path, "sleeper")
    assert record is not None
    assert (record["pid"], record["fingerprint"]) == (pid, daemon.fingerprint)
    assert os.getsid(pid) == pid
    assert stop(tmp_path, "sleeper") is True
    assert start_time(pid) is None
    assert running(tmp_path, "sleeper") is None
    assert stop(tmp_path, "sleeper") is False


def test_a_reused_pid_is_not_ours(tmp_path: Path) -> None:
    """The record names a live process that started at another time: it must stay alive."""
    other = subprocess.Popen(SLEEPER)
    try:
        (tmp_path / "run").mkdir()
        record = {"pid": other.pid, "started": 1, "fingerprint": "x"}
        (tmp_path / "run/sleeper.json").write_text(json.dumps(record))
        assert running(tmp_path, "sleeper") is None
        assert stop(tmp_path, "sleeper") is False
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_one_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    pid = start(tmp_path, Daemon("stubborn", [*STUBBORN, str(ready)], grace=0.3))
    while not ready.exists():
        time.sleep(0.02)
    assert stop(tmp_path, "stubborn") is True
    assert start_time(pid) is None


def test_one_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys; sys.exit('no such setting: colour')"]
    with pytest.raises(DaemonError) as caught:
        start(tmp_path, Daemon("broken", argv, ready=f"127.0.0.1:{port()}"))
    assert "broken ended at once" in str(caught.value)
    assert "no such setting: colour" in str(caught.value)


def test_start_waits_until_it_answers(tmp_path: Path) -> None:
    number = port()
    argv = [sys.executable, "-m", "http.server", str(number), "--bind", "127.0.0.1"]
    start(tmp_path, Daemon("server", argv, ready=f"127.0.0.1:{number}"))
    socket.create_connection(("127.0.0.1", number), 1).close()
    stop(tmp_path, "server")


def test_start_waits_until_the_check_says_so(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    argv = ["/bin/sh", "-c", f"sleep 0.5; touch {flag}; exec sleep 60"]
    start(tmp_path, Daemon("slow", argv, check=["test", "-e", str(flag)]))
    assert flag.exists()
    stop(tmp_path, "slow")
    never = Daemon("never", SLEEPER, check=["false"], patience=0.3)
    with pytest.raises(DaemonError, match="did not answer"):
        start(tmp_path, never)
    stop(tmp_path, "never")


def test_one_that_never_answers_is_told(tmp_path: Path) -> None:
    daemon = Daemon("mute", SLEEPER, ready=f"127.0.0.1:{port()}", patience=0.3)
    with pytest.raises(DaemonError, match="did not answer"):
        start(tmp_path, daemon)
    stop(tmp_path, "mute")


def test_a_stranger_in_its_place_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.daemons.CLOSING", 0.2)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        ready = f"127.0.0.1:{stranger.getsockname()[1]}"
        with pytest.raises(DaemonError, match="another process, not started by"):
            start(tmp_path, Daemon("server", SLEEPER, ready=ready))
    assert running(tmp_path, "server") is None


def test_a_record_from_before_a_reboot_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path, Daemon("sleeper", SLEEPER))
    with monkeypatch.context() as rebooted:
        rebooted.setattr("provision.daemons.boot", lambda: "another")
        assert running(tmp_path, "sleeper") is None
    assert stop(tmp_path, "sleeper") is True


def test_callers_settings_do_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTWRIGHT_INSTANCE", "callers")
    pid = start(tmp_path, Daemon("sleeper", SLEEPER, env={"PORTWRIGHT_HOME": "/own"}))
    environ: list[bytes] = []
    deadline = time.monotonic() + 10
    while b"PORTWRIGHT_HOME=/own" not in environ:  # it may not have become the sleeper yet
        assert time.monotonic() < deadline, environ
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    stop(tmp_path, "sleeper")
    assert not any(item.startswith(b"PORTWRIGHT_INSTANCE") for item in environ)


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "log/sleeper.log"
    log.parent.mkdir()
    with log.open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    start(tmp_path, Daemon("sleeper", SLEEPER))
    stop(tmp_path, "sleeper")
    assert log.stat().st_size == 0
    assert (tmp_path / "log/sleeper.log.1").exists()


def test_the_fingerprint_moves_with_every_part() -> None:
    base = Daemon("a", ["x"])
    others = [
        Daemon("a", ["y"]),
        Daemon("a", ["x"], env={"K": "v"}),
        Daemon("a", ["x"], cwd="/tmp"),
        Daemon("a", ["x"], stop_signal=signal.SIGINT),
        Daemon("a", ["x"], check=["true"]),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_the_fingerprint_of_an_earlier_version_is_still_the_same() -> None:
    """It was made without `check`: an upgrade restarts nothing for that."""
    text = """{"argv": ["x"], "cwd": "/", "env": {}, "grace": 15.0, "name": "a", "patience": 30.0, "ready": "", "stop_signal": 15}"""
    assert Daemon("a", ["x"]).fingerprint == hashlib.sha256(text.encode()).hexdigest()[:16]
