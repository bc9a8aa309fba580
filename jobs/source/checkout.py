"""From a ref to a folder with its files, which goes afterwards."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired

from git import GitCommandError

from jobs.source.access import Access, Resolve, unguarded
from jobs.source.address import parse
from jobs.source.content import Content
from jobs.source.mirror import clear, locked, prepare
from jobs.source.refs import check_begins
from jobs.source.words import CERTAIN, explain
from stacks.errors import PortwrightError
from stacks.names import check_ref


@dataclass(frozen=True)
class Checkout:
    """trees: path -> git's hash of each folder and file. filled: what was put in for a path
    that the commit only names: a submodule, or a large file's content."""

    folder: Path
    commit: str
    subject: str
    trees: dict[str, str]
    filled: frozenset[str] = frozenset()

    def tree(self, context: str) -> str:
        """Git's hash of a folder's content: it moves when, and only when, a file in it does.

        With submodules or large files filled in, it is another than without.
        """
        path = "" if context in (".", "./") else context.rstrip("/").removeprefix("./")
        if path not in self.trees:
            raise PortwrightError(
                f"{context!r} is not in the repository",
                remedy="commit it, or correct the path",
                path="build.context",
            )
        within = sorted(
            each for each in self.filled if f"{each}/".startswith(f"{path}/" if path else "")
        )
        if not within:
            return self.trees[path]
        parts = [self.trees[path], *(f"{each}\0{self.trees[each]}" for each in within)]
        return hashlib.sha1("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


@contextmanager
def checkout(
    access: Access,
    ref: str,
    mirror: Path,
    folder: Path,
    resolve: Resolve = unguarded,
    begins: str = "",
) -> Iterator[Checkout]:
    """Fetch, resolve the ref to a commit, and lay its files out in a folder that goes afterwards.

    ref: a branch, tag, SHA, or whole name below refs/. resolve: gives the address to
    connect to. begins: first digits of the commit that the branch must be at. Raises
    PortwrightError where the repository can't be read, is too large, or has no such ref.
    """
    check_ref("ref", ref)
    check_begins(begins)
    parse(access.url)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with locked(mirror):
            found = take(access, (ref, begins), mirror, folder, resolve)
        yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take(
    access: Access, ref: tuple[str, str], mirror: Path, folder: Path, resolve: Resolve
) -> Checkout:
    """Once more with a new mirror where the present one may be what is broken."""
    new = prepare(mirror, access.max_bytes)
    try:
        try:
            return lay(access, ref, mirror, folder, resolve)
        except GitCommandError as error:
            kind, told = explain(access, error)
            if new or kind in CERTAIN or killed(error):
                raise told from None
        shutil.rmtree(mirror, ignore_errors=True)
        new = prepare(mirror, access.max_bytes)
        try:
            return lay(access, ref, mirror, folder, resolve)
        except GitCommandError as error:
            raise explain(access, error)[1] from None
    except BaseException as error:
        if new:
            shutil.rmtree(mirror, ignore_errors=True)
        else:
            clear(mirror)
        if isinstance(error, TimeoutExpired):
            raise explain(access, error)[1] from None
        raise


def killed(error: GitCommandError) -> bool:
    """By somebody's signal, such as the end of a Run that is cancelled."""
    return isinstance(error.status, int) and error.status < 0


def lay(
    access: Access, ref: tuple[str, str], mirror: Path, folder: Path, resolve: Resolve
) -> Checkout:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    content = Content(access, mirror, folder, resolve)
    commit, subject = content.fill(*ref)
    return Checkout(folder, commit, subject, content.trees, frozenset(content.filled))
