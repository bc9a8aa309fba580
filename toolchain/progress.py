"""What a person sees while waiting: one self-updating line on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PLAIN_INTERVAL = 9.0
TTY_INTERVAL = 0.5


class Step:
    """A running step; whoever does the work may keep `detail` up to date."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.detail = ""
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def line(self) -> str:
        tail = f" ({self.detail})" if self.detail else ""
        return f"{self.text}, {self.seconds:.0f} s elapsed{tail} ..."


class Progress:
    """Writes to `stream`, standard output unless given; `interval` is the seconds between signs."""

    def __init__(self, stream: TextIO | None = None, interval: float | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._tty = self._stream.isatty()
        self._interval = interval or (TTY_INTERVAL if self._tty else PLAIN_INTERVAL)

    def say(self, line: str) -> None:
        erase = "\r\x1b[K" if self._tty else ""
        self._stream.write(f"{erase}{line}\n")
        self._stream.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """Announce `text`, then show its elapsed seconds until the block ends."""
        step = Step(text)
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(step, over), daemon=True)
        if self._tty:
            self._show(step)
        else:
            self.say(f"{text} ...")
        ticker.start()
        try:
            yield step
        finally:
            over.set()
            ticker.join()
            if self._tty:
                self._stream.write("\r\x1b[K")
                self._stream.flush()

    def _tick(self, step: Step, over: threading.Event) -> None:
        while not over.wait(self._interval):
            if self._tty:
                self._show(step)
            else:
                self.say(step.line())

    def _show(self, step: Step) -> None:
        self._stream.write(f"\r\x1b[K{step.line()[:110]}")
        self._stream.flush()
