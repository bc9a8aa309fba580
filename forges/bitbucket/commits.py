"""Whole commits, where Bitbucket's hooks and lists tell the first digits only.

Two commits that begin alike in 12 digits are made in minutes, so a fork's is let run by all 40.
"""

from __future__ import annotations

from collections.abc import Sequence

from forges.errors import Ambiguous
from forges.reading import Node
from stacks.errors import PortwrightError


def only(items: Sequence[Node], number: int, begins: str) -> str:
    """All digits of the one commit of a pull request that begins so. items: its newest ones, the
    first page: what page follows is for Bitbucket to say. Raises PortwrightError, Ambiguous where
    several do."""
    found = {sha for sha in (each.at("hash").sha() for each in items) if sha.startswith(begins)}
    if len(found) == 1:
        return found.pop()
    kind, many = (Ambiguous, "more than one commit") if found else (PortwrightError, "no commit")
    raise kind(
        f"{many} of pull request {number} begins with {begins}",
        remedy="let its author push again",
        path="commit",
    )
