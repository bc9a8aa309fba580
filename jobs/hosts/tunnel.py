"""The way to a host: one ssh process that makes its Docker engine, its Traefik and what looks after
its certificates private sockets here. Whoever needs them calls `ensure`; it outlives its maker, and
one that died is begun anew.

Docker's own ssh:// is not used: docker-py, the provider and the docker command would each bring
their own ssh, known_hosts and way to fail (docs/decisions/0020).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.hosts import ssh
from jobs.hosts.way import Way, papers
from jobs.hosts.words import Away, why
from jobs.node import ENGINE, SOCKET
from stacks.errors import PortwrightError
from stacks.processes import boot, kill_started, start_time

LONGEST_PATH = 100  # unix(7) has room for 107
PATIENCE = 3.0 * ssh.CONNECT_S
STEP = 0.05
DYING = 5.0


def ensure(way: Way) -> Way:
    """The way is open. Raises PortwrightError with ssh's reason within PATIENCE seconds."""
    if is_open(way):
        return way
    asked = time.time()
    with locked(way.home, way.name):
        if is_open(way):
            return way
        failed = way.folder / "failed.json"
        if failed.exists() and failed.stat().st_mtime > asked:
            raise Away(**json.loads(failed.read_text()))  # just tried, by another
        end(way.folder)
        try:
            begin(way)
        except PortwrightError as error:
            failed.write_text(json.dumps(error.to_json()))
            raise
        failed.unlink(missing_ok=True)
    return way


def is_open(way: Way) -> bool:
    return record(way.folder).get("digest") == way.digest and answers(way.folder / "engine.sock")


def begin(way: Way) -> None:
    way.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if len(str(way.traefik)) > LONGEST_PATH:
        raise PortwrightError(
            f"{way.traefik} is too long for a socket's name",
            remedy="give a shorter PORTWRIGHT_HOME",
            path="PORTWRIGHT_HOME",
        )
    log = way.folder / "ssh.log"
    with papers(way) as folder, log.open("wb") as said:
        process = subprocess.Popen(
            [
                *ssh.command(way.address, folder),
                "-N",
                "-oExitOnForwardFailure=yes",
                "-oStreamLocalBindMask=0177",
                "-oStreamLocalBindUnlink=yes",
                "-L", ssh.forward(way.folder / "engine.sock", ENGINE),
                "-L", ssh.forward(way.traefik, f"127.0.0.1:{way.traefik_port}"),
                "-L", ssh.forward(way.certificates, SOCKET),
                "there",
            ],
            env=environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
        kept = {
            "pid": process.pid,
            "started": start_time(process.pid),
            "boot": boot(),
            "digest": way.digest,
        }
        (way.folder / "tunnel.json").write_text(json.dumps(kept))
        deadline = time.monotonic() + PATIENCE
        while not answers(way.folder / "engine.sock"):
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(STEP)
                continue
            process.kill()
            process.wait()
            (way.folder / "tunnel.json").unlink()
            raise why(log.read_text(errors="replace") or "timed out", way.name, way.address)


def environment() -> dict[str, str]:
    """Nothing of who begins it: a Run's end kills what carries its mark."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def close(home: Path, name: str) -> None:
    """End it; nothing is left of it but its lock."""
    with locked(home, name):
        end(home / "run/hosts" / name)
        shutil.rmtree(home / "run/hosts" / name, ignore_errors=True)


def close_all(home: Path) -> list[str]:
    """End all of this home; returns their names."""
    found = sorted(path.parent.name for path in (home / "run/hosts").glob("*/tunnel.json"))
    for name in found:
        close(home, name)
    return found


def end(folder: Path) -> None:
    kept = record(folder)
    if kept and kept.get("boot") == boot():
        pid, started = int(kept["pid"]), int(kept["started"] or 0)
        killed = kill_started(pid, started)
        deadline = time.monotonic() + DYING
        while killed and start_time(pid) == started and time.monotonic() < deadline:
            time.sleep(STEP)
    for name in ("tunnel.json", "engine.sock", "traefik.sock", "tls.sock"):
        (folder / name).unlink(missing_ok=True)


def record(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "tunnel.json").read_text()))
    except (OSError, ValueError):
        return {}


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(2)
        try:
            door.connect(str(path))
        except OSError:
            return False
    return True


@contextmanager
def locked(home: Path, name: str) -> Iterator[None]:
    folder = home / "run/hosts"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
