"""A terminal's colours as HTML: spans with classes, and nothing else of what programs print.

Each line stands for itself: a colour ends with its line, so that a log can be read from
anywhere and no program colours another's output. Written here rather than taken from a
library (ansi2html makes links and styles of its own), since this text goes into pages as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from markupsafe import Markup, escape

from jobs.terminal import colours

BRIGHT = 8


@dataclass(frozen=True)
class Style:
    """ink, ground: one of the 16 colours, None for the page's own."""

    ink: int | None = None
    ground: int | None = None
    bold: bool = False

    @property
    def classes(self) -> str:
        names = [] if self.ink is None else [f"ink{self.ink}"]
        names += [] if self.ground is None else [f"ground{self.ground}"]
        return " ".join([*names, "bold"] if self.bold else names)


PLAIN = Style()


def coloured(text: str) -> Markup:
    """Lines of a log for a page: escaped, with no tag but span and no attribute but class."""
    pieces = colours(text)
    out, style = [escape(pieces[0])], PLAIN
    for codes, words in zip(pieces[1::2], pieces[2::2], strict=True):
        style = changed(style, codes)
        first, *rest = words.split("\n")
        out.append(span(first, style))
        if rest:
            style = PLAIN
            out.append(escape("\n" + "\n".join(rest)))
    return Markup("").join(out)


def span(words: str, style: Style) -> Markup:
    safe = escape(words)
    if not safe or style == PLAIN:
        return safe
    return Markup('<span class="{}">{}</span>').format(style.classes, safe)


def changed(style: Style, codes: str) -> Style:
    """The style after `ESC [ codes m`; what is not among the 16 colours and bold does nothing."""
    numbers = iter([int(code or 0) for code in codes.split(";")])
    for code in numbers:
        if code == 0:
            style = PLAIN
        elif code in (1, 22):
            style = replace(style, bold=code == 1)
        elif code in (38, 48):
            colour = extended(numbers)
            style = replace(style, ink=colour) if code == 38 else replace(style, ground=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, ink=code - 30 if code < 90 else code - 90 + BRIGHT)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = replace(style, ground=code - 40 if code < 100 else code - 100 + BRIGHT)
        elif code == 39:
            style = replace(style, ink=None)
        elif code == 49:
            style = replace(style, ground=None)
    return style


def extended(numbers: Iterator[int]) -> int | None:
    """The colour that follows 38 or 48: one of 256 (of which the first 16 have a class) or RGB."""
    kind = next(numbers, 0)
    values = list(islice(numbers, {5: 1, 2: 3}.get(kind, 0)))
    return values[0] if kind == 5 and values and values[0] < 16 else None
