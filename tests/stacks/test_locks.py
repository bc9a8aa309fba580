"""The engine's lock: only a dead owner's, on this host, is taken away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from stacks.locks import alive, free_dead_lock


@pytest.fixture
def dead() -> int:
    """The pid of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def lock(root: Path, content: object, stack: str = "production") -> Path:
    folder = root / ".pulumi/locks/organization/shop" / stack
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def owner(pid: int, host: str = socket.gethostname()) -> dict[str, object]:
    return {"pid": pid, "username": "root", "hostname": host}


def test_a_dead_owners_lock_goes(tmp_path: Path, dead: int) -> None:
    path = lock(tmp_path, owner(dead))
    assert free_dead_lock(f"file://{tmp_path}", "shop", "production") == [dead]
    assert not path.exists()


def test_every_other_lock_stays(tmp_path: Path, dead: int) -> None:
    kept = [
        lock(tmp_path, owner(os.getpid())),
        lock(tmp_path, owner(dead, "another-host")),
        lock(tmp_path, "no json"),
        lock(tmp_path, {"hostname": socket.gethostname()}),
        lock(tmp_path, owner(dead), stack="staging"),
    ]
    assert free_dead_lock(f"file://{tmp_path}", "shop", "production") == []
    assert all(path.exists() for path in kept)


def test_another_backend_has_no_files_to_look_at(tmp_path: Path, dead: int) -> None:
    lock(tmp_path, owner(dead))
    assert free_dead_lock("postgres://x", "shop", "production") == []


def test_alive(dead: int) -> None:
    assert alive(os.getpid()) and alive(1) and not alive(dead)
