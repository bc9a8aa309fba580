"""The one error a person meets: what is wrong, where, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PortwrightError(Exception):
    """A failure with a cause and a remedy, shown as it is to the person who asked.

    path: the field, service or step concerned (may be empty).
    """

    def __init__(self, message: str, *, remedy: str, path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def to_json(self) -> dict[str, str]:
        return {"path": self.path, "message": self.message, "remedy": self.remedy}


@contextmanager
def explained() -> Iterator[None]:
    """Around a program: one that can't go on says why and what to do, without a trace, and exits 1."""
    try:
        yield
    except PortwrightError as error:
        print(f"{error}\n  what to do: {error.remedy}", file=sys.stderr)
        raise SystemExit(1) from None
