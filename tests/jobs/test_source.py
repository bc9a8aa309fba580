"""Real git: what a checkout holds, and what a hostile repository does not get to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jobs.source import Access, checkout
from stacks.errors import PortwrightError

WHO = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]


class Upstream:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ["git", *WHO, *argv], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        for name, content in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def take(upstream: Upstream, ref: str, tmp_path: Path) -> tuple[str, str, dict[str, str]]:
    """(commit, subject, files) of a checkout, which is gone afterwards."""
    folder = tmp_path / "checkouts/1"
    with checkout(Access(str(upstream.folder)), ref, tmp_path / "mirror.git", folder) as found:
        files = {
            str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()
        }
        result = found.commit, found.subject, files
    assert not folder.exists() and not list(folder.parent.iterdir())
    return result


def test_branch_tag_and_sha(upstream: Upstream, tmp_path: Path) -> None:
    first = upstream.commit("One", a="1")
    upstream.git("tag", "v1")
    second = upstream.commit("Two", a="2")
    assert take(upstream, "main", tmp_path) == (second, "Two", {"a": "2"})
    assert take(upstream, "v1", tmp_path) == (first, "One", {"a": "1"})
    assert take(upstream, first[:12], tmp_path) == (first, "One", {"a": "1"})


def test_new_commits_and_a_forced_push_are_seen(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("One", a="1")
    take(upstream, "main", tmp_path)
    second = upstream.commit("Two", a="2")
    assert take(upstream, "main", tmp_path)[0] == second
    upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    third = upstream.commit("Three", a="3")
    assert take(upstream, "main", tmp_path) == (third, "Three", {"a": "3"})


@pytest.mark.parametrize("ref", ["nowhere", "0" * 40])
def test_an_unknown_ref_is_told(upstream: Upstream, tmp_path: Path, ref: str) -> None:
    upstream.commit("One", a="1")
    with pytest.raises(PortwrightError) as caught:
        take(upstream, ref, tmp_path)
    assert caught.value.path == "ref" and ref in caught.value.message


def test_a_missing_repository_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(PortwrightError) as caught,
        checkout(
            Access(str(tmp_path / "none")),
            "main",
            tmp_path / "mirror.git",
            tmp_path / "checkouts/1",
        ),
    ):
        pass
    assert caught.value.path == "repository"
    assert not list(tmp_path.glob("mirror*"))


def test_an_old_mirror_survives_an_absent_repository(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("One", a="1")
    take(upstream, "main", tmp_path)
    upstream.folder.rename(tmp_path / "away")
    with pytest.raises(PortwrightError, match="can't be read"):
        take(upstream, "main", tmp_path)
    (tmp_path / "away").rename(upstream.folder)
    assert take(upstream, "main", tmp_path)[2] == {"a": "1"}


def test_hooks_and_filters_of_a_repository_never_run(upstream: Upstream, tmp_path: Path) -> None:
    """post-checkout, fsmonitor and smudge filters are code that comes with somebody's repository."""
    canary = tmp_path / "canary"
    hook = upstream.folder / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(0o755)
    upstream.git("config", "core.fsmonitor", f"touch {canary}")
    upstream.git("config", "filter.evil.smudge", f"touch {canary}")
    upstream.git("config", "core.fsmonitor", "false")
    upstream.commit("Evil", a="1", **{".gitattributes": "* filter=evil\n"})
    canary.unlink(missing_ok=True)
    assert take(upstream, "main", tmp_path)[2]["a"] == "1"
    assert not canary.exists()


def test_links_are_laid_out_as_links(upstream: Upstream, tmp_path: Path) -> None:
    (upstream.folder / "link").symlink_to("/etc/passwd")
    upstream.commit("Link", a="1")
    folder = tmp_path / "checkouts/1"
    with checkout(Access(str(upstream.folder)), "main", tmp_path / "mirror.git", folder):
        assert (folder / "link").is_symlink()


def test_the_tree_moves_with_its_folder_only(upstream: Upstream, tmp_path: Path) -> None:
    trees = []
    for files in ({"web__app": "1", "other": "1"}, {"other": "2"}, {"web__app": "2"}):
        upstream.commit("x", **files)
        folder = tmp_path / "checkouts/1"
        with checkout(Access(str(upstream.folder)), "main", tmp_path / "m.git", folder) as found:
            trees.append((found.tree("web"), found.tree(".")))
    assert trees[0][0] == trees[1][0] != trees[2][0]
    assert len({whole for _, whole in trees}) == 3


def test_a_context_that_is_not_there_is_told(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("One", a="1")
    folder = tmp_path / "checkouts/1"
    with (
        checkout(Access(str(upstream.folder)), "main", tmp_path / "m.git", folder) as found,
        pytest.raises(PortwrightError) as caught,
    ):
        found.tree("web")
    assert caught.value.path == "build.context"
