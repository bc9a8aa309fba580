"""Free ports for what tests and measurements start: no two processes of a machine get the same one.

A port that was bound once and let go may be anybody's a moment later: another test's, or the near
end of any connection. So they lie outside the range the kernel takes those from, and each one given
is locked, as one byte of a file, until the process ends.
"""

from __future__ import annotations

import fcntl
import functools
import os
import random
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def free_ports(count: int, among: Sequence[int] | None = None) -> list[int]:
    """So many ports on which nothing listens on 127.0.0.1, kept for this process while it lives.

    Raises RuntimeError where `among` (default: all that are fit) has not so many.
    """
    candidates = list(_fit() if among is None else among)
    random.SystemRandom().shuffle(candidates)
    found: list[int] = []
    for port in candidates:
        if len(found) == count:
            break
        if port not in _given and _lock(port) and _unused(port):
            _given.add(port)
            found.append(port)
    if len(found) < count:
        raise RuntimeError(f"{count} free ports are wanted, {len(found)} were found")
    return found


def _fit() -> list[int]:
    low, high = map(int, EPHEMERAL.read_text().split())
    return [port for port in range(15_000, 65_000) if not low <= port <= high]


@functools.cache
def _file() -> int:
    """Never closed: with it, all locks of the process would go."""
    path = Path(tempfile.gettempdir()) / f"portwright-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _lock(port: int) -> bool:
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _unused(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
