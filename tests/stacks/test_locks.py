"""The engine's lock: only a dead owner's, on this host, is taken away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stacks.locks import free_dead_lock
from stacks.processes import MARK, began, kill_marked, kill_started, marked, start_time


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
    at = datetime.now(UTC).isoformat()
    return {"pid": pid, "username": "root", "hostname": host, "timestamp": at}


def test_a_dead_owners_lock_goes(tmp_path: Path, dead: int) -> None:
    path = lock(tmp_path, owner(dead))
    assert free_dead_lock(f"file://{tmp_path}", "shop", "production") == [dead]
    assert not path.exists()


def test_every_other_lock_stays(tmp_path: Path, dead: int) -> None:
    kept = [
        lock(tmp_path, owner(os.getpid())),
        lock(tmp_path, owner(dead, "another-host")),
        lock(tmp_path, {"hostname": socket.gethostname()}),
        lock(tmp_path, owner(dead), stack="staging"),
    ]
    assert free_dead_lock(f"file://{tmp_path}", "shop", "production") == []
    assert all(path.exists() for path in kept)


@pytest.mark.parametrize("cut_off", ["", '{"pid": 12, "userna'])
def test_a_lock_that_is_cut_off_goes(tmp_path: Path, cut_off: str) -> None:
    """As a full disk leaves it; the engine can't read it and refuses all work."""
    path = lock(tmp_path, cut_off)
    path = path.rename(path.with_suffix(".json.18eafba4aee45930.tmp"))
    assert free_dead_lock(f"file://{tmp_path}", "shop", "production") == [0]
    assert not path.exists()


def test_a_pid_that_was_given_to_a_younger_process_is_no_owner(tmp_path: Path) -> None:
    """After a restart of the machine pids begin anew."""
    earlier = datetime.now(UTC) - timedelta(days=400)
    path = lock(tmp_path, {**owner(os.getpid()), "timestamp": earlier.isoformat()})
    assert free_dead_lock(f"file://{tmp_path}", "shop", "production") == [os.getpid()]
    assert not path.exists()


def test_another_backend_has_no_locks_of_ours(tmp_path: Path, dead: int) -> None:
    lock(tmp_path, owner(dead))
    assert free_dead_lock("s3://bucket", "shop", "production") == []


def test_a_process_is_known_by_its_start(dead: int) -> None:
    assert start_time(dead) is None and began(dead) is None
    mine = start_time(os.getpid())
    assert mine is not None and abs(began(os.getpid()) - datetime.now().timestamp()) < 86_400  # type: ignore[operator]
    assert not kill_started(os.getpid(), mine - 1)  # another process that had this pid


def test_only_what_carries_the_mark_is_killed() -> None:
    """Also what it has started, and nothing of a Run whose number begins alike."""
    script = ["sh", "-c", "sleep 60 & sleep 60; true"]
    ours = subprocess.Popen(script, env={**os.environ, MARK: "/home#1:7"})
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: "/home#12:7"})
    try:
        while len(marked("/home#1")) < 3:
            assert ours.poll() is None
        assert kill_marked("/home#1:6") == []
        assert len(kill_marked("/home#1")) == 3
        assert ours.wait(5) == -9 and other.poll() is None
    finally:
        other.kill()
        other.wait()
