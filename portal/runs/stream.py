"""The log as server-sent events. An event's id is the offset to go on from.

Holds no database connection, and ends after a while so that a browser that comes back is
asked for its rights again (EventSource does so by itself).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.states import FINAL
from portal.runs.hub import Hub, Hubs
from portal.streams import Portal, event

HEARTBEAT = 15.0
LONGEST = 600.0


def stream(hubs: Hubs, path: Path, offset: int, state_of: Callable[[], str]) -> Iterator[str]:
    with hubs.joined(path, state_of) as hub:
        yield from events(hub, offset)


def events(hub: Hub, offset: int) -> Iterator[str]:
    """Text of the stream: log lines, `state` when it changes, `end` when all is sent."""
    opened = spoke = time.monotonic()
    told = ""
    yield "retry: 2000\n\n"
    while time.monotonic() - opened < LONGEST and not Portal.stopping:
        looks, state, ended = hub.looks, hub.state, hub.ended
        if state != told and state not in FINAL:
            yield event("state", state)
            told, spoke = state, time.monotonic()
        piece = hub.after(offset)
        if piece:
            offset, spoke = piece.next, time.monotonic()
            yield piece.text
            continue
        if ended:
            yield event("end", state, offset)
            return
        if hub.broken:
            return
        if time.monotonic() - spoke >= HEARTBEAT:
            yield ": still here\n\n"
            spoke = time.monotonic()
        hub.wait(looks, HEARTBEAT / 3)
