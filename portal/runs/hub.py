"""One run's log for all its readers: one look at file and database per POLL, however many read.

A hub holds the newest pieces ready to send. A reader that is behind them, or begins in the
middle, reads the file by itself up to where they start; so a slow one holds nobody up.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.states import FINAL
from portal.colours import coloured
from portal.runs.log import PIECE, read, tail
from portal.streams import Portal, event

POLL = 0.4
KEPT = 16  # pieces ready for readers that keep up, and as many for those that catch up
AT_ONCE = 64  # pieces in one look


@dataclass(frozen=True)
class Sent:
    """What is between two offsets, as an event."""

    start: int
    next: int
    text: str


class Hub:
    """state, ended, broken: what the newest look found. ended: a final run's log is all in.
    broken: the database did not answer; readers go, and come back."""

    def __init__(self, path: Path, state_of: Callable[[], str]) -> None:
        self.path, self.state_of = path, state_of
        self.offset = tail(path, final=False)[1].next
        self.recent: deque[Sent] = deque(maxlen=KEPT)
        self.earlier: OrderedDict[int, Sent] = OrderedDict()
        self.state, self.ended, self.broken = "", False, False
        self.readers, self.looks = 0, 0
        self.news = threading.Condition()

    def look(self) -> None:
        """Read what is new, and wake the readers where there is anything."""
        before = (self.state, self.offset, self.ended)
        try:
            state = self.state_of()  # before the log: what a final run wrote is all there
            final = state in FINAL
            for _ in range(AT_ONCE):
                piece = self.read(self.offset, final=final)
                if piece.next == self.offset:
                    break
                self.recent.append(piece)
                self.offset = piece.next
            self.state = state
            self.ended = final and piece.next == piece.start
        except Exception:
            self.broken = True
        if (self.state, self.offset, self.ended) != before or self.broken or Portal.stopping:
            with self.news:
                self.looks += 1
                self.news.notify_all()

    def read(self, offset: int, *, final: bool, until: int | None = None) -> Sent:
        piece = read(self.path, offset, final=final, size=PIECE, until=until, show=coloured)
        return Sent(offset, piece.next, event("log", piece.text.removesuffix("\n"), piece.next))

    def after(self, offset: int) -> Sent | None:
        """What follows an offset, None where nothing does yet."""
        if offset >= self.offset:
            return None
        pieces = list(self.recent)
        for piece in pieces:
            if piece.start == offset:
                return piece
        until = next((piece.start for piece in pieces if piece.start > offset), self.offset)
        return self.catch_up(offset, until)

    def catch_up(self, offset: int, until: int) -> Sent | None:
        """From the file; those who begin together share what is read."""
        piece = self.earlier.get(offset)
        if piece is None or piece.next > until:
            piece = self.read(offset, final=self.ended, until=until)
            self.earlier[offset] = piece
            while len(self.earlier) > KEPT:
                self.earlier.popitem(last=False)
            time.sleep(0)  # others are to get their turn between two pieces
        return piece if piece.next > offset else None

    def wait(self, looks: int, seconds: float) -> None:
        """Until there has been news since that many looks."""
        with self.news:
            if self.looks == looks:
                self.news.wait(seconds)


class Hubs:
    """The hubs of the runs that somebody reads now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: dict[Path, Hub] = {}

    @contextmanager
    def joined(self, path: Path, state_of: Callable[[], str]) -> Iterator[Hub]:
        """The run's hub, which lives as long as it has readers."""
        with self.lock:
            hub = self.open.get(path)
            if hub is None or hub.broken or hub.ended:
                hub = Hub(path, state_of)
                hub.look()
                if not hub.ended and not hub.broken:
                    self.open[path] = hub
                    threading.Thread(target=self.work, args=(hub,), daemon=True).start()
            hub.readers += 1
        try:
            yield hub
        finally:
            with self.lock:
                hub.readers -= 1

    def work(self, hub: Hub) -> None:
        while True:
            time.sleep(POLL)
            with self.lock:
                if not hub.readers or hub.ended or hub.broken:
                    if self.open.get(hub.path) is hub:
                        del self.open[hub.path]
                    return
            hub.look()
