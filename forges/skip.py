"""A commit that says of itself that it is not to be deployed."""

from __future__ import annotations

import re

MARKER = re.compile(r"\[(skip deploy|deploy skip)\]", re.IGNORECASE)


def skipped(message: str) -> bool:
    """Whether the head commit's message has `[skip deploy]` or `[deploy skip]` anywhere in it."""
    return MARKER.search(message) is not None
