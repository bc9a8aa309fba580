"""What goes into a forge's API and comes out of it, the same for every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from forges.events import PullRequest
from forges.reading import Node
from stacks.errors import PortwrightError

State = Literal["pending", "running", "success", "failure", "cancelled"]


@dataclass(frozen=True)
class Checked:
    """ok: the token does. login: who it is, '' where that is not known."""

    ok: bool
    login: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Comment:
    comment_id: str
    author: str
    body: str


def named(full_name: str) -> str:
    return Node(full_name, "repository").full_name()


def numbered(number: int) -> int:
    return Node(number, "number").number()


def usable(items: Iterable[Node], read: Callable[[Node], PullRequest]) -> list[PullRequest]:
    """Those of a list that can be read."""
    found = []
    for item in items:
        try:
            found.append(read(item))
        except PortwrightError:
            continue
    return found
