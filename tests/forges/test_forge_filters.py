"""Which pushes are deployed: branches, tags, files, and the marker in a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.events import Push, Repository
from forges.filters import Filters, matches, why_not
from forges.skip import skipped
from stacks.errors import PortwrightError


def push(
    branch: str | None = "main",
    tag: str | None = None,
    paths: frozenset[str] | None = None,
    deleted: bool = False,
) -> Push:
    commit = None if deleted else "b" * 40
    return Push(branch, tag, None, commit, "", paths, deleted, Repository("a/b", "", ""))


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("main", "main", True),
        ("main", "mainly", False),
        ("release/*", "release/1.2", True),
        ("release/*", "release/1/2", False),
        ("release/*", "release", False),
        ("*", "main", True),
        ("*", "feature/x", False),
        ("**", "feature/x", True),
        ("v?", "v1", True),
        ("v*", "v1.2.3", True),
        ("web/**", "web/a/b.py", True),
        ("web/**", "web", False),
        ("web/**", "website/a", False),
        ("**/test_*.py", "test_a.py", True),
        ("**/test_*.py", "a/b/test_a.py", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/m/**/z", "a/m/x/m/z", True),
        ("a/**/m/**/z", "a/x/z", False),
        ("**/*.md", "docs/a b.md", True),
        ("Main", "main", False),
    ],
)
def test_patterns(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


BRANCH = "branch {} is none of those that are deployed"
FILES = "none of the changed files is one of those that count"


@pytest.mark.parametrize(
    ("filters", "what", "reason"),
    [
        (Filters(), push(), ""),
        (Filters(), push("any/other"), ""),
        (Filters(), push(None, "v1"), "tag v1 is none of those that are deployed"),
        (Filters(), push(deleted=True), "branch main was deleted"),
        (Filters(tags=["*"]), push(None, "v1", deleted=True), "tag v1 was deleted"),
        (Filters(branches=["main"]), push(), ""),
        (Filters(branches=["main"]), push("dev"), BRANCH.format("dev")),
        (Filters(branches=["**", "!wip/**"]), push("wip/x"), BRANCH.format("wip/x")),
        (Filters(branches=["!wip/**"]), push("dev"), ""),
        (Filters(branches=["!wip/**", "wip/ready"]), push("wip/ready"), ""),
        (Filters(tags=["v*"]), push(None, "v1.0"), ""),
        (Filters(tags=["v*"]), push(None, "x"), "tag x is none of those that are deployed"),
        (Filters(tags=["v*"]), push("main"), BRANCH.format("main")),
        (Filters(tags=["v*"], branches=["main"]), push("main"), ""),
        (Filters(paths=["web/**"]), push(paths=frozenset({"web/a", "docs/b"})), ""),
        (Filters(paths=["web/**"]), push(paths=frozenset({"docs/b"})), FILES),
        (Filters(paths=["!docs/**"]), push(paths=frozenset({"docs/b"})), FILES),
        (Filters(paths=["!docs/**"]), push(paths=frozenset({"docs/b", "c"})), ""),
        (Filters(paths=["web/**"]), push(paths=frozenset()), FILES),
        (Filters(paths=["web/**"]), push(paths=None), ""),
        (Filters(paths=["web/**"], tags=["*"]), push(None, "v1", frozenset({"docs/b"})), ""),
    ],
)
def test_why_a_push_is_not_deployed(filters: Filters, what: Push, reason: str) -> None:
    assert why_not(filters, what) == reason


@pytest.mark.parametrize(
    "pattern",
    ["", "!", "/main", "main/", "a//b", "../x", "a/./b", "a b", "a\nb", "[ab]", "{a,b}", "a**", "!!x",
     "a\\b", "x" * 201],
)  # fmt: skip
def test_patterns_that_can_not_be_used_name_their_field(pattern: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        Filters(paths=["web/**", pattern])
    assert caught.value.path == "paths" and caught.value.remedy


def test_there_are_at_most_fifty_patterns() -> None:
    Filters(tags=["v*"] * 50)
    with pytest.raises(PortwrightError) as caught:
        Filters(tags=["v*"] * 51)
    assert caught.value.path == "tags"


@given(st.text(alphabet="ab/", max_size=12), st.text(alphabet="ab/", max_size=12))
def test_two_stars_take_what_begins_so_and_has_more(start: str, rest: str) -> None:
    assert matches(f"{start}/**", f"{start}/{rest}")
    assert matches("**", f"{start}/{rest}")


def plainly(wanted: list[str], given_: list[str]) -> bool:
    """The same rule, by trying everything."""
    if not wanted:
        return not given_
    if wanted == ["**"]:
        return bool(given_)
    if wanted[0] == "**":
        return plainly(wanted[1:], given_) or (bool(given_) and plainly(wanted, given_[1:]))
    return bool(given_) and wanted[0] in ("*", given_[0]) and plainly(wanted[1:], given_[1:])


parts = st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=7)


@given(parts, st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=7))
def test_patterns_match_as_trying_everything_would(wanted: list[str], given_: list[str]) -> None:
    assert matches("/".join(wanted), "/".join(given_)) is plainly(wanted, given_)


def test_a_pattern_made_to_be_slow_comes_to_an_end() -> None:
    assert not matches("a*" * 99 + "b", "a" * 4000)
    assert not matches("**/a/" * 39 + "b", "a/" * 2000 + "c")


@pytest.mark.parametrize(
    "message",
    ["[skip deploy]", "Fix a word [deploy skip]", "Title\n\nbody [Skip Deploy] more"],
)
def test_a_message_can_say_that_it_is_not_to_be_deployed(message: str) -> None:
    assert skipped(message)


@pytest.mark.parametrize("message", ["", "skip deploy", "[skip ci]", "[skip  deploy]", "[ skip deploy ]"])  # fmt: skip
def test_any_other_message_is_deployed(message: str) -> None:
    assert not skipped(message)
