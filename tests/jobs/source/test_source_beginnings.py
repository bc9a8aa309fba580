"""A branch whose commit was told by its first digits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from git_upstream import Upstream, files
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.source import Access, checkout
from jobs.source.refs import BEGINS, check_begins
from stacks.errors import PortwrightError


def taken(upstream: Upstream, tmp_path: Path, branch: str, begins: str) -> tuple[str, object]:
    access = Access(str(upstream.folder))
    folder = tmp_path / "checkouts/1"
    with checkout(access, branch, tmp_path / "mirror.git", folder, begins=begins) as found:
        return found.commit, files(found.folder)


def twins(upstream: Upstream) -> tuple[str, str]:
    """Two commits of main's tree whose first seven digits are the same."""
    tree = upstream.git("rev-parse", "main^{tree}")
    seen: dict[str, bytes] = {}
    for number in range(1_000_000):
        who = "Alice <alice@example.com> 1700000000 +0000"
        body = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{number}\n".encode()
        sha = hashlib.sha1(b"commit %d\0" % len(body) + body).hexdigest()
        if sha[:7] in seen:
            made = [
                upstream.git("hash-object", "-t", "commit", "-w", "--stdin", given=each)
                for each in (seen[sha[:7]], body)
            ]
            return made[0], made[1]
        seen[sha[:7]] = body
    raise AssertionError("no two begin alike")


def test_the_branch_is_deployed_where_it_is_at_that_commit(
    upstream: Upstream, tmp_path: Path
) -> None:
    sha = upstream.commit("One", {"a": "1"})
    assert taken(upstream, tmp_path, "main", sha[:12]) == (sha, {"a": "1"})
    assert taken(upstream, tmp_path, "main", sha[:12]) == (sha, {"a": "1"})  # is here already


def test_a_branch_that_has_moved_on_or_is_gone_is_told(upstream: Upstream, tmp_path: Path) -> None:
    before = upstream.commit("One", {"a": "1"})
    now = upstream.commit("Two", {"a": "2"})
    for branch, words in (
        ("main", f"branch 'main' is at {now[:12]}, and {before[:12]} was asked for"),
        ("topic", "the repository has no branch, tag or commit 'topic'"),
    ):
        with pytest.raises(PortwrightError) as caught:
            taken(upstream, tmp_path, branch, before[:12])
        assert (caught.value.message, caught.value.path) == (words, "ref")


def test_a_branch_or_tag_that_is_called_like_the_commit_is_not_taken_for_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    sha = upstream.commit("One", {"a": "1"})
    upstream.git("tag", "topic", sha)
    with pytest.raises(PortwrightError, match="no branch, tag or commit 'topic'"):
        taken(upstream, tmp_path, "topic", sha[:12])
    upstream.git("branch", sha[:12])
    upstream.commit("Two", {"a": "2"})
    with pytest.raises(PortwrightError, match="was asked for"):
        taken(upstream, tmp_path, "main", sha[:12])


def test_of_two_commits_that_begin_alike_none_is_taken(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("One", {"a": "1"})
    first, second = twins(upstream)
    upstream.git("update-ref", "refs/heads/topic", first)
    assert taken(upstream, tmp_path, "topic", first[:7])[0] == first
    upstream.git("update-ref", "refs/heads/topic", second)
    with pytest.raises(PortwrightError, match=f"more than one commit begins with {first[:7]}"):
        taken(upstream, tmp_path, "topic", first[:7])
    assert taken(upstream, tmp_path, "topic", second[:20])[0] == second


@given(st.text())
def test_what_is_no_beginning_reaches_no_git(text: str) -> None:
    assume(not BEGINS.fullmatch(text))
    with pytest.raises(PortwrightError) as caught:
        check_begins(text)
    assert caught.value.path == "ref"
