"""Numbers in a query string."""

from __future__ import annotations

from flask import request

from stacks.errors import PortwrightError


def number(path: str, text: str, lowest: int, highest: int) -> int:
    """The number; raises PortwrightError that names the field and its range."""
    if not (text.isascii() and text.isdecimal()) or not lowest <= int(text[:20]) <= highest:
        raise PortwrightError(
            "that is no number that can be used",
            remedy=f"give a whole number from {lowest} to {highest}",
            path=path,
        )
    return int(text)


def number_in_query(name: str, default: int, *, lowest: int = 0, highest: int = 2**40) -> int:
    return number(name, request.args.get(name, str(default)), lowest, highest)
