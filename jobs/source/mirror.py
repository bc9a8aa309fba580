"""The mirror of a project: a bare repository that holds what was fetched, and only a cache.

Each commit that was fetched with all it holds has a ref refs/kept/SHA, whose file's time is
its last use. One process at a time works in a mirror; what a killed one left is taken away
by the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from git import Git, GitCommandError, Repo

from jobs.source.papers import Papers
from jobs.source.quarantine import ATTRIBUTES, CONFIG, environment

KEPT = "refs/kept"
# There once a mirror is whole. Another number: mirrors of another making are made anew.
MARK = "portwright-1"
# So many times the limit of one fetch, a mirror may hold before it is made anew.
GROWTH = 3


@contextmanager
def locked(mirror: Path) -> Iterator[None]:
    """Wait until no other process works in this mirror. The lock goes with its process."""
    mirror.parent.mkdir(parents=True, exist_ok=True)
    with (mirror.parent / f".{mirror.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def prepare(mirror: Path, max_bytes: int) -> bool:
    """Make the mirror where none can be used, and clear away what is left over; locked.

    Returns whether it is new.
    """
    if (mirror / MARK).exists() and size(mirror) <= GROWTH * max_bytes:
        clear(mirror)
        return False
    shutil.rmtree(mirror, ignore_errors=True)
    with Papers() as papers:
        environ = environment(papers.file(CONFIG)) | {"GIT_DIR": str(mirror)}
        Repo.init(mirror, bare=True, env=environ)
    (mirror / "info").mkdir(exist_ok=True)
    (mirror / "info/attributes").write_text(ATTRIBUTES)
    (mirror / MARK).touch()
    return True


def clear(mirror: Path) -> None:
    """Locks and halves of packs: whoever made them has ended, since this process holds the lock."""
    for left in (*mirror.rglob("*.lock"), *halves(mirror)):
        left.unlink(missing_ok=True)
    for left in mirror.glob("objects/tmp_objdir-*"):
        shutil.rmtree(left, ignore_errors=True)


def halves(mirror: Path) -> list[Path]:
    """Packs that were begun."""
    return list(mirror.glob("objects/pack/tmp_*"))


def size(mirror: Path) -> int:
    """Bytes of its packs."""
    return sum(path.stat().st_size for path in mirror.glob("objects/pack/*"))


def kept(mirror: Path, commit: str) -> bool:
    """Whether this commit is here with all that it holds; if so, it has been used now."""
    try:
        os.utime(mirror / KEPT / commit)
    except OSError:
        return False
    return True


def prune(mirror: Path, older_than: float) -> None:
    """Forget commits that were last used so many seconds ago, and free what they held.

    A mirror that can't be pruned goes: the next checkout makes it anew.
    """
    if not mirror.exists():
        return
    with locked(mirror), Papers() as papers:
        clear(mirror)
        before = time.time() - older_than
        git = Git(str(mirror))
        git.update_environment(**environment(papers.file(CONFIG)), GIT_DIR=str(mirror))
        try:
            for path in [path for path in (mirror / "refs").rglob("*") if path.is_file()]:
                if path.stat().st_mtime < before:
                    git.update_ref("-d", str(path.relative_to(mirror)))
            git.gc("--quiet", "--prune=now")
        except GitCommandError:
            shutil.rmtree(mirror, ignore_errors=True)
