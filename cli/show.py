"""What the command line prints. Text of the server is cleaned first: it may hold escape codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
UNLIMITED = 10_000
COLOURS = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "dim",
    "superseded": "dim",
    "queued": "dim",
}


def console(*, error: bool = False) -> Console:
    """Made at the moment of printing, so that it writes where the streams point then."""
    return Console(stderr=error, highlight=False, soft_wrap=True)


def clean(text: object) -> str:
    return CONTROLS.sub("", "" if text is None else str(text))


def line(*parts: str | tuple[str, str], error: bool = False) -> None:
    """Print parts, each plain or with a style; never read as markup."""
    ready = [clean(part) if isinstance(part, str) else (clean(part[0]), part[1]) for part in parts]
    console(error=error).print(Text.assemble(*ready))


def problem(message: str, remedy: str = "", path: str = "") -> None:
    line(("Error: ", "bold red"), f"{path}: " if path else "", message, error=True)
    if remedy:
        line(("To do: ", "bold"), remedy, error=True)


def as_json(content: object) -> None:
    print(json.dumps(content, indent=2))


def state(name: str | None) -> tuple[str, str]:
    return (name or "", COLOURS.get(name or "", "blue"))


def table(heads: Sequence[str], rows: Iterable[Sequence[object | tuple[str, str]]]) -> None:
    """A table without lines; a pair is text with its style."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in rows:
        cells = [
            Text(clean(cell[0]), style=str(cell[1]))
            if isinstance(cell, tuple)
            else Text(clean(cell))
            for cell in row
        ]
        shown.add_row(*cells)
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = UNLIMITED  # a pipe gets a row a line
    out.print(shown)


def when(text: Any) -> str:
    """`2026-01-31T12:34:56.7+00:00` as `2026-01-31 12:34`."""
    return clean(text)[:16].replace("T", " ")
