"""Processes that Portwright keeps where no service manager does: started detached, ended by pid.

A daemon's record, HOME/run/NAME.json, holds {"pid", "started", "fingerprint"}; `started` is the
process's start time from the kernel (counted from boot, which `boot` names), so that a reused
pid is never mistaken for ours.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stacks.processes import boot, start_time

LOG_BYTES = 10 * 1024 * 1024
STEP = 0.1
CLOSING = 5.0


@dataclass(frozen=True)
class Daemon:
    """What to run. ready: a path (socket) or host:port that answers once it is up.

    check: a command that exits with 0 once it is up, where an answer is not enough.
    grace: seconds from the polite signal to the hard one. writes: folders below the home that it
    writes as it is set up here, besides those that it always does (provision.systemd).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    ready: str = ""
    patience: float = 30.0
    grace: float = 15.0
    stop_signal: int = signal.SIGTERM
    check: Sequence[str] = ()
    writes: Sequence[str] = ()

    @property
    def fingerprint(self) -> str:
        """The same for a daemon without `check` as before there was one: it is not restarted."""
        told = {key: value for key, value in asdict(self).items() if key != "check" or value}
        del told["writes"]  # nothing holds it to that here
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class DaemonError(Exception):
    """A daemon that did not come up; says why and shows the end of its log."""


def record_path(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def running(home: Path, name: str) -> dict[str, object] | None:
    """The record of a daemon that runs, else None."""
    try:
        record: dict[str, object] = json.loads(record_path(home, name).read_text())
        alive = (
            start_time(int(str(record["pid"]))) == record["started"]
            and record.get("boot", boot()) == boot()
        )
    except (OSError, ValueError, KeyError):
        return None
    return record if alive else None


def start(home: Path, daemon: Daemon) -> int:
    """Start, and wait until it is ready; returns the pid. Raises DaemonError."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    log = home / "log" / f"{daemon.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    refuse_strangers(daemon)
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(daemon.argv),
            env={**inherited(), **daemon.env},
            cwd=daemon.cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    record = {
        "pid": process.pid,
        "started": start_time(process.pid),
        "boot": boot(),
        "fingerprint": daemon.fingerprint,
        "grace": daemon.grace,
        "stop_signal": daemon.stop_signal,
    }
    partial = record_path(home, daemon.name).with_suffix(".new")
    partial.write_text(json.dumps(record))
    partial.replace(record_path(home, daemon.name))
    deadline = time.monotonic() + daemon.patience
    while not is_up(daemon):
        if process.poll() is not None:
            raise DaemonError(f"{daemon.name} ended at once. {tail(log)}")
        if time.monotonic() > deadline:
            raise DaemonError(
                f"{daemon.name} did not answer in {daemon.patience:.0f} s. {tail(log)}"
            )
        time.sleep(STEP)
    return process.pid


def refuse_strangers(daemon: Daemon) -> None:
    """Raise DaemonError where another process answers in its place; ours may still be closing."""
    deadline = time.monotonic() + CLOSING
    while daemon.ready and answers(daemon.ready):
        if time.monotonic() > deadline:
            raise DaemonError(
                f"another process, not started by ./quickstart, answers at {daemon.ready}, "
                f"where {daemon.name} should"
            )
        time.sleep(STEP)


def inherited() -> dict[str, str]:
    """The caller's environment without its own Portwright settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PORTWRIGHT_")}


def is_up(daemon: Daemon) -> bool:
    if daemon.ready and not answers(daemon.ready):
        return False
    return not daemon.check or not subprocess.run(daemon.check, capture_output=True).returncode


def answers(ready: str) -> bool:
    host, colon, port = ready.rpartition(":")
    try:
        if colon and port.isdigit():
            socket.create_connection((host, int(port)), 1).close()
        else:
            probe = socket.socket(socket.AF_UNIX)
            probe.settimeout(1)
            probe.connect(ready)
            probe.close()
    except OSError:
        return False
    return True


def tail(log: Path, lines: int = 5) -> str:
    text = log.read_text(errors="replace").splitlines()[-lines:]
    return f"The end of {log}:\n" + "\n".join(f"  {line}" for line in text)


def stop(home: Path, name: str) -> bool:
    """Stop a daemon that we started; False where it does not run. Waits until it is gone."""
    record = running(home, name)
    if record is None:
        record_path(home, name).unlink(missing_ok=True)
        return False
    pid, started = int(str(record["pid"])), record["started"]
    deadline = time.monotonic() + float(str(record.get("grace", 15)))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, int(str(record.get("stop_signal", signal.SIGTERM))))
        while start_time(pid) == started:
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(STEP)
    record_path(home, name).unlink(missing_ok=True)
    return True


def main() -> int:
    """`status HOME NAME` prints the running one's fingerprint; `restart HOME FILE` takes a Daemon as JSON."""
    parser = argparse.ArgumentParser(prog="python -m provision.daemons")
    parser.add_argument("action", choices=["status", "restart", "stop"])
    parser.add_argument("home", type=Path)
    parser.add_argument("subject")
    given = parser.parse_args()
    if given.action == "status":
        print((running(given.home, given.subject) or {}).get("fingerprint", ""))
        return 0
    if given.action == "stop":
        stop(given.home, given.subject)
        return 0
    daemon = Daemon(**json.loads(Path(given.subject).read_text()))
    stop(given.home, daemon.name)
    try:
        print(f"{daemon.name} runs as process {start(given.home, daemon)}")
    except (DaemonError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
