"""Getting one commit into the mirror, with as little else as the server allows."""

from __future__ import annotations

import re
from pathlib import Path

from git import GitCommandError

from jobs.source.command import MEMORY, run
from jobs.source.connection import Connection
from jobs.source.mirror import KEPT, halves, kept
from jobs.source.missing import moved, unknown
from jobs.source.refs import FULL, list_refs, names
from jobs.source.words import too_large

SHORT = re.compile(r"[0-9a-f]{7,63}")
# A server that does not hand out any commit by its SHA says one of these.
NOT_BY_SHA = re.compile(r"not our ref|unadvertised object|not advertised|couldn't find remote ref")
ALL = (
    "+refs/heads/*:refs/upstream/heads/*",
    "+refs/tags/*:refs/upstream/tags/*",
    "+refs/pull/*/head:refs/upstream/pull/*",
    "+refs/merge-requests/*/head:refs/upstream/merge-requests/*",
)
# git(1): what takes away the limits of a shallow repository.
WHOLE = "--depth=2147483647"
FETCH_SECONDS = 3600.0


class Fetcher:
    """git in one mirror, towards one server. max_bytes: limit of one fetch."""

    def __init__(self, mirror: Path, connection: Connection, max_bytes: int) -> None:
        self.mirror = mirror
        self.connection = connection
        self.max_bytes = max_bytes

    def git(self, *argv: str) -> str:
        out = run(
            ["git", *argv], folder=self.mirror, environ=self.connection.environ,
            seconds=FETCH_SECONDS, most=self.max_bytes, memory=MEMORY + self.max_bytes,
        )  # fmt: skip
        return out.decode(errors="replace").strip()

    def fetch(self, *refs: str, depth: str = "--depth=1", prune: bool = False) -> None:
        try:
            self.git(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force", depth,
                *(["--prune"] if prune else []), "--end-of-options",
                self.connection.address.text, *refs,
            )  # fmt: skip
        except GitCommandError:
            # git does not tell that the kernel has ended the process that writes the pack.
            if any(path.stat().st_size >= self.max_bytes for path in halves(self.mirror)):
                raise too_large(self.max_bytes) from None
            raise

    def commit(self, ref: str, begins: str = "") -> str:
        """The SHA of a branch, else tag, else commit, which is in the mirror from now on.

        begins: first digits that a branch's commit was told by; it must be at just that one.
        Raises PortwrightError where there is none, GitCommandError where git fails.
        """
        if begins:
            return self.branch_at(ref, begins)
        if FULL.fullmatch(ref):
            if kept(self.mirror, ref):
                return ref
            return self.by_sha(ref)
        advertised = list_refs(self.connection, self.mirror, *names(ref))
        for name in names(ref):
            if name in advertised:
                sha = advertised.get(f"{name}^{{}}", advertised[name])
                return sha if kept(self.mirror, sha) else self.by_name(name)
        if SHORT.fullmatch(ref):
            return self.by_sha(ref)
        raise unknown(ref)

    def branch_at(self, branch: str, begins: str) -> str:
        """Raises PortwrightError where the branch is gone, or is at another commit, or where the
        mirror holds two commits that begin so: which of them was told can't be known."""
        name = f"refs/heads/{branch}"
        sha = list_refs(self.connection, self.mirror, name).get(name)
        if sha is None:
            raise unknown(branch)
        if not sha.startswith(begins):
            raise moved(branch, sha, begins)
        commit = sha if kept(self.mirror, sha) else self.by_name(name)
        try:
            only = self.git("rev-parse", "--verify", "--quiet", f"{begins}^{{commit}}")
        except GitCommandError:
            only = ""
        if only != commit:
            raise moved(branch, commit, begins)
        return commit

    def by_name(self, name: str) -> str:
        self.fetch(f"+{name}:refs/upstream/fetched")
        return self.keep("refs/upstream/fetched")

    def by_sha(self, sha: str) -> str:
        """Alone where the server allows it, else with all that it has."""
        if FULL.fullmatch(sha):
            try:
                self.fetch(f"+{sha}:refs/upstream/fetched")
                return self.keep("refs/upstream/fetched")
            except GitCommandError as error:
                if not NOT_BY_SHA.search(str(error.stderr)):
                    raise
        self.fetch(*ALL, depth=WHOLE, prune=True)
        try:
            return self.keep(sha)
        except GitCommandError:
            raise unknown(sha) from None

    def keep(self, name: str) -> str:
        commit = self.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        self.git("update-ref", f"{KEPT}/{commit}", commit)
        kept(self.mirror, commit)
        return commit
