"""What a server says that it has, without fetching it."""

from __future__ import annotations

import re
from pathlib import Path

from jobs.source.command import run
from jobs.source.connection import Connection
from stacks.errors import PortwrightError

FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Git itself takes no less than four; forges tell seven and more.
BEGINS = re.compile(r"([0-9a-f]{7,63})?")
ANSWER_SECONDS = 60.0


def names(ref: str) -> tuple[str, ...]:
    """Where a ref is looked for, in this order."""
    return (ref,) if ref.startswith("refs/") else (f"refs/heads/{ref}", f"refs/tags/{ref}")


def check_begins(given: str) -> str:
    """First digits of a commit, or none; raises PortwrightError."""
    if not BEGINS.fullmatch(given):
        raise PortwrightError(
            f"{given[:80]!r} is no beginning of a commit",
            remedy="give its first 7 hex digits or more",
            path="ref",
        )
    return given


def list_refs(connection: Connection, folder: Path, *patterns: str) -> dict[str, str]:
    """Name -> SHA of what the server has under these names; a tag's commit as NAME^{}."""
    out = run(
        ["git", "ls-remote", "--quiet", "--end-of-options", connection.address.text,
         *patterns, *(f"{pattern}^{{}}" for pattern in patterns)],
        folder=folder, environ=connection.environ, seconds=ANSWER_SECONDS,
    )  # fmt: skip
    found = {}
    for line in out.decode(errors="replace").splitlines():
        sha, _, name = line.partition("\t")
        if FULL.fullmatch(sha):
            found[name] = sha
    return found
