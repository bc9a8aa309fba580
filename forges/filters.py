"""Which pushes count: patterns for branches, tags and changed files.

`*` and `?` stay within one part of a name, `**` is any number of parts, a leading `!` takes out
again. Of several that match, the last one decides, as in GitHub's workflows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from forges.events import Push
from stacks.errors import PortwrightError

MOST_PATTERNS = 50
PATTERN = re.compile(r"!?(?!/)[^\s\[\]{}\\!\x00-\x1f\x7f]{1,200}(?<!/)")


@dataclass(frozen=True)
class Filters:
    """Patterns; of branches and tags those of an empty list match nothing, of two empty lists every branch.

    paths: one changed file that matches is enough; empty: any. Raises PortwrightError with
    the field for a pattern that can't be used.
    """

    branches: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("branches", "tags", "paths"):
            check_patterns(name, getattr(self, name))


def check_patterns(path: str, patterns: Sequence[str]) -> None:
    if len(patterns) > MOST_PATTERNS:
        raise PortwrightError(
            f"there are {len(patterns)} patterns", remedy=f"use up to {MOST_PATTERNS}", path=path
        )
    for pattern in patterns:
        parts = pattern.removeprefix("!").split("/")
        stars = any("**" in part and part != "**" for part in parts)
        if not PATTERN.fullmatch(pattern) or stars or not {"", ".", ".."}.isdisjoint(parts):
            raise PortwrightError(
                f"{pattern[:80]!r} is no pattern that can be used",
                remedy="write it such as main, release/*, web/** or !docs/**; '**' is a part of its own",
                path=path,
            )


def why_not(filters: Filters, push: Push) -> str:
    """'' where the push counts, else the reason in words."""
    if push.deleted:
        return f"{'tag' if push.tag else 'branch'} {push.tag or push.branch} was deleted"
    if push.tag is not None:
        taken = bool(filters.tags) and chosen(filters.tags, push.tag)
        return "" if taken else f"tag {push.tag} is none of those that are deployed"
    branch = push.branch or ""
    if not (chosen(filters.branches, branch) if filters.branches else not filters.tags):
        return f"branch {branch} is none of those that are deployed"
    paths = push.paths if filters.paths else None
    if paths is not None and not any(chosen(filters.paths, path) for path in paths):
        return "none of the changed files is one of those that count"
    return ""


def chosen(patterns: Sequence[str], name: str) -> bool:
    """Whether the last pattern that matches takes the name in; where none does, only if all take out."""
    for pattern in reversed(patterns):
        if matches(pattern.removeprefix("!"), name):
            return not pattern.startswith("!")
    return all(pattern.startswith("!") for pattern in patterns)


def matches(pattern: str, name: str) -> bool:
    """By parts; a `**` that took too few of them is tried with one more, and only the last `**` needs it."""
    wanted, given = pattern.split("/"), name.split("/")
    if wanted[-1] == "**":
        wanted = [*wanted[:-1], "*", "**"]
    at = here = 0
    star, tried = -1, 0
    while here < len(given):
        if at < len(wanted) and wanted[at] == "**":
            star, tried, at = at, here, at + 1
        elif at < len(wanted) and fnmatchcase(given[here], wanted[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            tried += 1
            at, here = star + 1, tried
        else:
            return False
    return all(part == "**" for part in wanted[at:])
