"""`portwright bootstrap` and `host`, as far as they go without a host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def portwright(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *argv], cwd=CHECKOUT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "argv",
    [
        ("bootstrap",),
        *(("host", name) for name in ("plan", "apply", "upgrade", "drift", "restore", "uninstall")),
    ],
)
def test_a_host_that_is_none_is_a_cause_and_a_remedy(argv: tuple[str, ...]) -> None:
    done = portwright(*argv, "root@a;b")
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
        1,
        "",
        [
            "host: 'root@a;b' is no machine to log in to",
            "  what to do: give it as root@host, root@host:port or root@[address]",
        ],
    )


def test_a_host_that_does_not_answer_is_a_cause_and_a_remedy(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    done = portwright("bootstrap", "root@127.0.0.1:1", "--yes", "--known-hosts", str(known))
    assert done.returncode == 1
    assert "no login at root@127.0.0.1:1" in done.stderr
    assert (
        "see that `ssh -p 1 root@127.0.0.1` works without a password, or give --key" in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("The inventory says nothing of 127.0.0.1: ")


def test_dry_and_plan_are_one_thing() -> None:
    told = [
        portwright("bootstrap", "x/y", "--dry").stderr,
        portwright("host", "plan", "x/y").stderr,
    ]
    assert told[0] == told[1] != ""


def test_an_inventory_that_is_not_there_is_refused() -> None:
    done = portwright("host", "plan", "root@h", "--inventory", "/nonexistent/hosts.py")
    assert done.returncode == 2 and "does not exist" in done.stderr
