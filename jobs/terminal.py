"""Text without what a terminal obeys: cursor moves, titles, links; colours stay where asked for."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|(?=\n)|$)"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-~]"  # two-letter escapes
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COLOUR = re.compile(r"\x1b\[([0-9;]{0,40})m")  # "select graphic rendition" of ECMA-48
# Back at the line's beginning with nothing but colours after it: what stood there stays.
RETURNED = re.compile(r"\r+((?:\x1b\[[0-9;]{0,40}m|\r)+)$", re.M)


def clean(text: str) -> str:
    """Plain lines. Of a line that was overwritten with carriage returns the last state stays."""
    return CONTROLS.sub("", last_states(ESCAPES.sub("", text)))


def one_line(text: str) -> str:
    """Plain words on one line, which can be stored and shown (no lone surrogates)."""
    return " ".join(clean(text).encode(errors="replace").decode().split())


def last_states(text: str) -> str:
    """Each line as a terminal shows it in the end."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def colours(text: str) -> list[str]:
    """Plain words and colour codes by turns, words first and last: what `clean` leaves of the
    text, cut where a colour changes. A code is what stands between ESC [ and m."""
    if "\x1b" not in text:
        return [clean(text)]
    kept = ESCAPES.sub(lambda hit: hit[0] if COLOUR.fullmatch(hit[0]) else "", text)
    pieces = COLOUR.split(last_states(RETURNED.sub(r"\1", kept)))
    return [piece if index % 2 else CONTROLS.sub("", piece) for index, piece in enumerate(pieces)]
