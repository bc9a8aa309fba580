"""The repository of a project: a mirror kept here, and a checkout of one commit for one Run.

A repository is a stranger's. Its configuration and hooks are never run, and only the
transports that jobs.requests allows are spoken.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from git import Git, GitCommandError, Repo

from stacks.errors import PortwrightError

ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes",
    "GIT_CONFIG_COUNT": "3",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": "/dev/null",
    "GIT_CONFIG_KEY_1": "safe.directory",
    "GIT_CONFIG_VALUE_1": "*",
    "GIT_CONFIG_KEY_2": "core.fsmonitor",
    "GIT_CONFIG_VALUE_2": "false",
}


@dataclass(frozen=True)
class Checkout:
    folder: Path
    commit: str
    subject: str
    git: Git

    def tree(self, context: str) -> str:
        """Git's hash of a folder's content: it moves when, and only when, a file in it does."""
        path = "" if context in (".", "./") else context.rstrip("/").removeprefix("./")
        try:
            return str(self.git.rev_parse("--verify", f"{self.commit}:{path}"))
        except GitCommandError:
            raise PortwrightError(
                f"{context!r} is not in the repository",
                remedy="commit it, or correct the path",
                path="build.context",
            ) from None


@contextmanager
def checkout(repository: str, ref: str, mirror: Path, folder: Path) -> Iterator[Checkout]:
    """Fetch, resolve the ref to a commit, and lay its files out in a folder that goes afterwards.

    ref: a branch, tag or SHA. Raises PortwrightError where the repository can't be
    read or has no such ref.
    """
    update_mirror(repository, mirror)
    git = Git(str(mirror))
    git.update_environment(**ENVIRONMENT)
    commit = find_commit(git, ref)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        tree = Git(str(folder))
        tree.update_environment(
            **ENVIRONMENT, GIT_DIR=str(mirror), GIT_WORK_TREE=str(folder),
            GIT_INDEX_FILE=str(folder.with_suffix(".index")),
        )  # fmt: skip
        tree.read_tree(commit)
        tree.checkout_index("--all", "--force")
        subject = str(git.log("-1", "--format=%s", commit))[:200]
        yield Checkout(folder, commit, subject, git)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".index").unlink(missing_ok=True)


def update_mirror(repository: str, mirror: Path) -> None:
    try:
        if not (mirror / "HEAD").exists():
            partial = mirror.with_suffix(f".{os.getpid()}")
            shutil.rmtree(partial, ignore_errors=True)
            Repo.clone_from(repository, partial, env=ENVIRONMENT, mirror=True)
            partial.rename(mirror)
        else:
            git = Git(str(mirror))
            git.update_environment(**ENVIRONMENT)
            git.remote("set-url", "origin", repository)
            git.fetch("--prune", "--force", "origin", "+refs/*:refs/*")
    except GitCommandError as error:
        lines = [line.strip(" '\n") for line in str(error.stderr).splitlines() if line.strip()]
        raise PortwrightError(
            "the repository can't be read: " + (lines[-1] if lines else "git failed"),
            remedy="check its address and that this server may read it",
            path="repository",
        ) from None


def find_commit(git: Git, ref: str) -> str:
    """A branch first, then a tag, then a SHA."""
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref):
        try:
            return str(git.rev_parse("--verify", "--quiet", f"{name}^{{commit}}"))
        except GitCommandError:
            continue
    raise PortwrightError(
        f"the repository has no branch, tag or commit {ref!r}",
        remedy="push it, or name another",
        path="ref",
    )
