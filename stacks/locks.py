"""The engine's lock of a stack on the file backend: it never expires, so a dead owner's is removed.

A lock is `.pulumi/locks/organization/PROJECT/STACK/ID.json` with the owner's pid, user and host.
Only a lock made on this host by a process that no longer runs is touched.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path


def free_dead_lock(backend_url: str, project: str, stack: str) -> list[int]:
    """Remove locks whose owner is dead; returns the owners' pids."""
    if not backend_url.startswith("file://"):
        return []
    folder = (
        Path(backend_url.removeprefix("file://")) / ".pulumi/locks/organization" / project / stack
    )
    freed = []
    for path in folder.glob("*.json"):
        try:
            owner = json.loads(path.read_text())
            pid = int(owner["pid"])
        except (OSError, ValueError, KeyError):
            continue
        if owner.get("hostname") == socket.gethostname() and not alive(pid):
            path.unlink(missing_ok=True)
            freed.append(pid)
    return freed


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
