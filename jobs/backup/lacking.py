"""What another host does not give, or not in time: told in words, and no reason to end a backup."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.terminal import one_line
from stacks.errors import PortwrightError

AGAIN_S = 60.0


class TooLongError(BaseException):
    """No Exception: what goes on after one that fails must not go on after it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises PortwrightError where it takes longer: whatever waits then is interrupted, and what
    cleans up after it too, once a minute. In a process's main thread only."""

    def ring(*_: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    except TooLongError:
        raise PortwrightError(
            f"it took longer than {seconds / 3600:.0f} hours",
            remedy="see that the line to it is fast enough, and what it holds",
            path="volumes",
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def lacking(missing: list[dict[str, str]], host: str, volume: str = "") -> Iterator[None]:
    """What fails is added to missing, and goes no further: {"host", "volume" (empty: all of it),
    "message", "remedy"}."""
    try:
        yield
    except Exception as error:  # whatever another machine does must not end this one's backup
        known = in_words(error, f"portwright hosts test {host}; then back up again")
        what = f"the volume {volume[:80]!r}" if volume else "the volumes"
        missing.append({
            "host": host,
            "volume": one_line(volume[:200]),
            "message": one_line(f"{what} of host {host}: not in the backup: {known.message}"),
            "remedy": known.remedy,
        })  # fmt: skip


def in_words(error: Exception, remedy: str) -> PortwrightError:
    if isinstance(error, PortwrightError):
        return error
    return PortwrightError(
        f"{type(error).__name__}: {one_line(str(error)[:300])}", remedy=remedy, path="volumes"
    )
