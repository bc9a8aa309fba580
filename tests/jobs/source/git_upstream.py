"""A repository that a test writes, and what a checkout of it holds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from jobs.source import Access, checkout

WHO = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com", "-c", "protocol.file.allow=always"]  # fmt: skip


class Upstream:
    """folder: a work tree with its .git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *argv: str, given: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *WHO, *argv], cwd=self.folder, check=True, capture_output=True, input=given
        )
        return done.stdout.decode().strip()

    def commit(self, message: str, files: dict[str, str | bytes] | None = None) -> str:
        for name, content in (files or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *lines: tuple[str, str, str]) -> str:
        """(mode, sha, name) each, written as they are: also what `git add` would refuse."""
        raw = b"".join(
            f"{mode} {name}".encode() + b"\0" + bytes.fromhex(sha) for mode, sha, name in lines
        )
        argv = ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
        return self.git(*argv, given=raw)

    def commit_tree(self, tree: str) -> str:
        """A commit of that tree on main, not checked out."""
        sha = self.git("commit-tree", "-m", "Crafted", tree)
        self.git("update-ref", "refs/heads/main", sha)
        return sha


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode(errors="replace")
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def take(
    access: Access, tmp_path: Path, ref: str = "main", resolve: Callable[[str, int], str] | None = None
) -> tuple[str, dict[str, str]]:  # fmt: skip
    """(commit, files) of a checkout, which is gone afterwards."""
    folder = tmp_path / "checkouts/1"
    guard = {"resolve": resolve} if resolve else {}
    with checkout(access, ref, tmp_path / "mirror.git", folder, **guard) as found:
        result = found.commit, files(folder)
    assert not folder.exists() and not list(folder.parent.iterdir())
    return result
