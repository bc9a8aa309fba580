"""The log as server-sent events. An event's id is the byte offset to go on from.

Holds no database connection between looks, and ends after a while so that a browser
that comes back is asked for its rights again (EventSource does so by itself).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.states import FINAL
from portal.runs.log import read

POLL = 0.4
HEARTBEAT = 15.0
LONGEST = 600.0


def events(
    path: Path,
    offset: int,
    state_of: Callable[[], str],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Text of the stream: log lines, `state` when it changes, `end` when all is sent."""
    opened = spoke = time.monotonic()
    told = ""
    yield "retry: 2000\n\n"
    while time.monotonic() - opened < LONGEST:
        state = state_of()  # before the log: what a final run wrote is all there
        final = state in FINAL
        piece = read(path, offset, final=final)
        if state != told and not final:
            yield event("state", state)
            told, spoke = state, time.monotonic()
        if piece.next > offset:
            offset, spoke = piece.next, time.monotonic()
            yield event("log", piece.text.removesuffix("\n"), offset)
            continue
        if final:
            yield event("end", state, offset)
            return
        if time.monotonic() - spoke >= HEARTBEAT:
            yield ": still here\n\n"
            spoke = time.monotonic()
        sleep(POLL)


def event(name: str, text: str, offset: int | str | None = None) -> str:
    lines = [f"event: {name}"] + ([] if offset is None else [f"id: {offset}"])
    lines += [f"data: {line}" for line in text.split("\n")]
    return "\n".join(lines) + "\n\n"
