"""Secrets taken out of text, whole or in pieces, in each form that programs print them in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "••••••••"
MIN_LENGTH = 4
MIN_LINE = 8
ESCAPED = re.compile(r"%[0-9A-F]{2}")
# How Go's JSON writes what HTML would obey.
HTML_IN_JSON = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def forms(value: str) -> set[str]:
    """All that a value looks like: itself, its longer lines, base64 at each alignment (also as
    it is in the middle of something larger), percent-encoded, within JSON, hex."""
    if len(value) < MIN_LENGTH:
        return set()
    raw = value.encode("utf-8", "surrogatepass")
    found = {value, *(line for line in value.splitlines() if len(line) >= MIN_LINE)}
    for alignment in range(3):
        found |= within_base64(raw, alignment)
    percent = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    found |= percent | {ESCAPED.sub(lambda hit: hit[0].lower(), text) for text in percent}
    for plain in (False, True):
        written = json.dumps(value, ensure_ascii=not plain)[1:-1]
        found |= {written, written.translate(HTML_IN_JSON), written.replace("/", "\\/")}
    bare = forms(value.strip()) if value.strip() != value else set()
    return found | bare | {raw.hex(), raw.hex().upper()}


def within_base64(raw: bytes, alignment: int) -> set[str]:
    """The characters that only the value decides where `alignment` bytes stand before it
    in its group of three, in both alphabets."""
    encoded = base64.b64encode(b"\0" * alignment + raw)
    first = -(-alignment * 8 // 6)
    last = (alignment + len(raw)) * 8 // 6
    sure = encoded[first:last].decode()
    return {sure, sure.replace("+", "-").replace("/", "_")}


class Redactor:
    """Hides values. `redact` is for whole texts; `feed` and `flush` are for one that comes in
    pieces: what may be the beginning of a secret is held back until it is known.

    Every stretch of text that belongs to any form becomes one mask, also where forms overlap.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.forms: tuple[str, ...] = ()
        self.held = ""
        self.masked = 0  # so many of the first held characters are under a mask that was given out
        self.open = False  # the last thing given out is a mask
        self.hide(values)

    def hide(self, values: Iterable[str]) -> None:
        """Hide these values too, from now on. Those of less than 4 characters are let through."""
        found = set(self.forms).union(*(forms(value) for value in values))
        self.forms = tuple(sorted(found, key=lambda form: (-len(form), form)))

    def redact(self, text: str) -> str:
        out, _ = self.cover(text, len(text), 0, False)
        return out

    def redact_coloured(self, pieces: list[str]) -> str:
        """Words and colour codes by turns (jobs.terminal.colours) as one text without secrets.

        What is secret is decided on the words alone; a colour that changes within one comes
        after its mask.
        """
        whole = Redactor()
        whole.forms, whole.held = self.forms, "".join(pieces[0::2])
        if self.shows(whole.held):
            pieces = [p if n % 2 else whole.give(len(p)) for n, p in enumerate(pieces)]
        return "".join(p if n % 2 == 0 else f"\x1b[{p}m" for n, p in enumerate(pieces))

    def shows(self, text: str) -> bool:
        """Whether any form is in the text."""
        return any(form in text for form in self.forms)

    def feed(self, piece: str) -> str:
        """What can be said for sure after this piece."""
        self.held += piece
        return self.give(len(self.held) - self.beginning())

    def flush(self) -> str:
        """The rest: the text has ended."""
        out = self.give(len(self.held))
        self.open = False
        return out

    def give(self, length: int) -> str:
        out, end = self.cover(self.held, length, self.masked, self.open)
        if length:
            self.open = end >= length
        self.held = self.held[length:]
        self.masked = max(0, end - length)
        return out

    def beginning(self) -> int:
        """The length of the longest end of what is held that a form could go on from."""
        longest = 0
        for form in self.forms:
            start = max(0, len(self.held) - len(form) + 1)
            while len(self.held) - start > longest:
                start = self.held.find(form[0], start)
                if start < 0 or len(self.held) - start <= longest:
                    break
                if form.startswith(self.held[start:]):
                    longest = len(self.held) - start
                    break
                start += 1
        return longest

    def cover(self, text: str, length: int, covered: int, after_mask: bool) -> tuple[str, int]:
        """The first `length` characters with masks, and where the last mask's stretch ends.

        covered: so many characters at the beginning are under a mask that stands already;
        after_mask: the mask right before the text, so that what touches it needs no other.
        """
        out: list[str] = []
        at, masking = covered, after_mask or covered > 0
        for start, end in self.stretches(text):
            if start >= length:
                break
            if start > at:
                out.append(text[at:start])
                masking = False
            if end > at:
                out += [] if masking else [MASK]
                masking, at = True, end
        if at < length:
            out.append(text[at:length])
            return "".join(out), 0
        return "".join(out), at if masking else 0

    def stretches(self, text: str) -> Iterator[tuple[int, int]]:
        """Every place of every form, by where it starts."""
        places: list[tuple[int, int]] = []
        for form in self.forms:
            start = text.find(form)
            while start >= 0:
                places.append((start, start + len(form)))
                start = text.find(form, start + 1)
        return iter(sorted(places))
