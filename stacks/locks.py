"""The engine's lock of a stack on a self-managed backend: it never expires, so a dead owner's is removed.

A lock is `.pulumi/locks/organization/PROJECT/STACK/ID.json` with the owner's pid, user, host and
the moment it was taken (pulumi's pkg/backend/diy/lock.go): a file, or a row of `pulumi_state`.
Only a lock made on this host is touched, and only where its owner runs no more: its pid is
gone, or was given to a process that began after the lock was taken.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from stacks.processes import began

SLACK = 2.0
LOCKS = ".pulumi/locks/organization"


def free_dead_lock(backend_url: str, project: str, stack: str) -> list[int]:
    """Remove locks whose owner is dead; returns the owners' pids."""
    prefix = f"{LOCKS}/{project}/{stack}/"
    if backend_url.startswith("file://"):
        return from_files(Path(backend_url.removeprefix("file://")) / prefix)
    if backend_url.startswith("postgres://"):
        return from_postgres(backend_url, prefix)
    return []


def from_files(folder: Path) -> list[int]:
    freed = []
    # A lock that was never finished is NAME.json.HEX.tmp, and is listed by the engine as well.
    for path in folder.glob("*.json*"):
        try:
            pid = dead_owner(path.read_bytes())
        except OSError:
            continue
        if pid is not None:
            path.unlink(missing_ok=True)
            freed.append(pid)
    return freed


def from_postgres(url: str, prefix: str) -> list[int]:
    freed = []
    with connected(url) as connection:
        if connection is None:
            return []
        query = "SELECT key, data FROM pulumi_state WHERE starts_with(key, %s)"
        for key, data in connection.execute(query, (prefix,)).fetchall():
            pid = dead_owner(bytes(data))
            if pid is not None:
                connection.execute("DELETE FROM pulumi_state WHERE key = %s", (key,))
                freed.append(pid)
    return freed


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection | None]:
    """None where the engine has not made its table yet."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        there = connection.execute("SELECT to_regclass('pulumi_state')").fetchone()
        yield connection if there and there[0] else None


def dead_owner(content: bytes) -> int | None:
    """The pid of a lock whose owner on this host is dead, else None.

    The engine writes a lock in one step; one that is cut off was written on a full disk, is
    nobody's (0), and stops every later operation with "unexpected end of JSON input".
    """
    try:
        owner = json.loads(content)
    except ValueError:
        return 0
    try:
        pid, host = int(owner["pid"]), owner.get("hostname")
    except (ValueError, KeyError, TypeError):
        return None
    if host != socket.gethostname():
        return None
    start = began(pid)
    if start is None:
        return pid
    try:
        taken = datetime.fromisoformat(str(owner.get("timestamp"))).timestamp()
    except ValueError:
        return None
    return pid if start > taken + SLACK else None
