"""What a commit holds, read before anything of it is laid out."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from git import GitCommandError

from jobs.source.command import run
from stacks.errors import PortwrightError

LINK, MODULE, FOLDER = "120000", "160000", "040000"
MOST_FILES = 200_000
LISTING_SECONDS = 120.0


@dataclass(frozen=True)
class Entry:
    """mode: git's six digits. size: bytes, 0 for folders and modules. path: without end slash."""

    mode: str
    sha: str
    size: int
    path: str


def entries(mirror: Path, environ: Mapping[str, str], commit: str) -> list[Entry]:
    """Everything below the commit's root, folders before what is in them.

    A few small trees that name each other can hold more files than any disk: beyond
    ANSWER bytes of listing, git is ended.
    """
    argv = ["git", "ls-tree", "-r", "-t", "-l", "-z", "--full-tree", "--end-of-options", commit]
    try:
        out = run(argv, folder=mirror, environ=environ, seconds=LISTING_SECONDS)
    except GitCommandError as error:
        if error.status == -signal.SIGXFSZ:
            raise too_many() from None
        raise
    found = []
    for line in out.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, _, sha, size = facts.decode().split()
        found.append(
            Entry(mode, sha, 0 if size == "-" else int(size), path.decode(errors="surrogateescape"))
        )
    if len(found) > MOST_FILES:
        raise too_many()
    return found


def too_many() -> PortwrightError:
    return PortwrightError(
        f"it holds more than {MOST_FILES} files and folders, which is the most",
        remedy="take out what is not needed to build it",
        path="repository",
    )


def root_tree(mirror: Path, environ: Mapping[str, str], commit: str) -> str:
    argv = ["git", "rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"]
    return run(argv, folder=mirror, environ=environ, seconds=LISTING_SECONDS).decode().strip()
