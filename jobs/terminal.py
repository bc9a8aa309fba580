"""Text without what a terminal obeys: colours, cursor moves, titles, links."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|(?=\n)|$)"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-~]"  # two-letter escapes
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Plain lines. Of a line that was overwritten with carriage returns the last state stays."""
    text = ESCAPES.sub("", text).replace("\r\n", "\n")
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    return CONTROLS.sub("", "\n".join(lines))
