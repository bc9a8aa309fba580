"""Versions that a repository asks for. Only digits and dots ever become part of an image's tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

EXACT = re.compile(r"v?=?\s*([0-9]{1,3}(?:\.[0-9]{1,4}){0,2})((?:\.[xX*]){0,2})")
COMPARATOR = re.compile(
    r"\s*(\^|~>|~|>=|<=|==|>|<|=)?\s*v?([0-9]{1,4}(?:\.(?:[0-9]{1,4}|[xX*])){0,2}|[xX*])(?=[\s,|]|$)"
)
HYPHEN = re.compile(r"([0-9][0-9.]*)\s+-\s+([0-9][0-9.]*)")
TOP = 10**6
Version = tuple[int, ...]


def exact(text: str) -> str | None:
    """Return "20", "3.12" or "1.2.3" from text that names one version, else None."""
    found = EXACT.fullmatch(text.strip())
    return found[1] if found else None


def first_line(text: str) -> str:
    """Return the first line that is not empty or a comment, without outer spaces."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def tool_version(text: str, tool: str) -> str | None:
    """Return a tool's version from `.tool-versions`."""
    found = re.search(
        rf"(?m)^{re.escape(tool)}[ \t]+v?([0-9]{{1,3}}(?:\.[0-9]{{1,4}}){{0,2}})\b", text
    )
    return found[1] if found else None


def choose(wanted: str, preferred: Sequence[str], *, loose_tilde: bool = False) -> str | None:
    """Return the first preferred version that an npm, Composer or Ruby range allows.

    Understands `^`, `~`, `~>`, comparisons, `x`, hyphen ranges, `||`, `|`, `,` and spaces. A
    version is taken for the newest patch of its line, so `24` satisfies `>=24.3` but not `<24.3`.
    A text that names one version is returned without a look at the list.
    loose_tilde: `~1.2` allows every later 1.x (Composer, Ruby, Elixir), not only 1.2.x (npm).
    """
    if one := exact(wanted):
        return one
    ranges = [_comparators(part) for part in re.split(r"\|\|?", wanted)]
    for version in preferred:
        candidate = _numbers(version)
        for comparators in ranges:
            if comparators and all(
                _allows(operator, bound, candidate, loose_tilde) for operator, bound in comparators
            ):
                return version
    if not loose_tilde and len(ranges) == 1 and ranges[0] and len(ranges[0]) == 1:
        operator, bound = ranges[0][0]
        if operator == "~" and len(bound) > 1:
            return f"{bound[0]}.{bound[1]}"
    return None


def choose_python(wanted: str, preferred: Sequence[str]) -> str | None:
    """Return the first preferred version that a PEP 440 specifier allows."""
    try:
        specifiers = SpecifierSet(wanted)
    except InvalidSpecifier:
        return None
    # The newest patch of a line: `>=3.12.4` allows 3.12.
    return next((version for version in preferred if f"{version}.999" in specifiers), None)


def _comparators(text: str) -> list[tuple[str, Version]]:
    """Return what one alternative of a range demands; empty where it is not understood."""
    text = HYPHEN.sub(r">=\1 <=\2", text.strip()).replace(",", " ").strip()
    found, at = [], 0
    while at < len(text):
        match = COMPARATOR.match(text, at)
        if not match:
            return []
        found.append((match[1] or "=", _numbers(match[2])))
        at = match.end()
    return found


def _numbers(text: str) -> Version:
    """Return the leading numbers: `20.x` is (20,), `*` is ()."""
    numbers: list[int] = []
    for part in text.split("."):
        if not part.isascii() or not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _allows(operator: str, bound: Version, candidate: Version, loose_tilde: bool) -> bool:
    newest = (*candidate, TOP, TOP)[:3]
    least = (*bound, 0, 0)[:3]
    size = len(bound)
    if operator in ("=", "=="):
        return newest[:size] == bound
    if operator == ">=":
        return newest >= least
    if operator == ">":
        return newest[:size] > bound
    if operator == "<":
        return newest < least
    if operator == "<=":
        return newest[:size] <= bound
    same = 1 if operator == "^" or size == 1 else size - 1 if loose_tilde else 2
    return newest >= least and newest[:same] == bound[:same]
