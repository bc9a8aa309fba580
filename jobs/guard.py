"""What watches over a Run at work, in a thread of its worker: the heartbeat of its lease, the
wish to cancel it, the time limits of its phases, and the worker's own end.

To interrupt, it kills what the Run has started (git, builds, the engine) and then raises the
reason in the main thread, by a signal, until somebody has heard it.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from jobs import lease
from jobs.models import Run
from jobs.settings import Settings
from stacks.errors import PortwrightError
from stacks.processes import MARK, kill_marked

STEP = 0.5
RENEW_EVERY = 3.0
SIGNAL = signal.SIGUSR1
LIMITS = {"planning": 300.0, "verifying": 300.0, "putting back": 300.0}
HAND_OVER = ("building", "planning")
LOST_LEASE = 75  # the exit code, EX_TEMPFAIL of sysexits.h
log = logging.getLogger(__name__)


class Interruption(PortwrightError):
    """A Run's work is stopped from outside. `to`: the state in which it ends or rests."""

    def __init__(self, to: str, message: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.to = to


def cancelled(by: str | None) -> Interruption:
    return Interruption("cancelled", f"{by} cancelled it", "ask for it again if need be")


def mark_of(settings: Settings, run_id: int) -> str:
    """What all processes of a Run carry in their environment."""
    return f"{settings.home}#{run_id}"


def stopping_file(settings: Settings) -> Path:
    """There while the worker is being stopped: a Run that applies nothing yet is handed back."""
    return settings.home / "run/stopping"


class Guard:
    """Open it around a Run's work. phase: what the Run does now; set it at each move."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session], run: Run) -> None:
        assert run.token is not None
        self.settings = settings
        self.sessions = sessions
        self.run_id = run.id
        self.environment_id = run.environment_id
        self.token = run.token
        self.mark = mark_of(settings, run.id)
        self.reason: Interruption | None = None
        self.heard = False
        self.shielded = False
        self.over = threading.Event()
        # Held while killing, so that nothing is killed which the repair has started.
        self.killing = threading.Lock()
        self.renewed = 0.0
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.enter("building")

    def enter(self, phase: str) -> None:
        self.phase = phase
        self.since = time.monotonic()

    def __enter__(self) -> Guard:
        os.environ[MARK] = f"{self.mark}:{self.token}"
        if threading.current_thread() is threading.main_thread():
            signal.signal(SIGNAL, self.raise_reason)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        kill_marked(self.mark)
        if threading.current_thread() is threading.main_thread():
            signal.signal(SIGNAL, signal.SIG_IGN)
        os.environ.pop(MARK, None)

    def raise_reason(self, _signal: int, _frame: FrameType | None) -> None:
        if self.reason and not self.heard:
            raise self.reason

    @contextmanager
    def shield(self) -> Iterator[None]:
        """What puts the world right is not interrupted by anything but its own time limit."""
        phase, since = self.phase, self.since
        while not self.shielded:
            with suppress(Interruption), self.killing:
                self.heard, self.shielded = True, True
        self.enter("putting back")
        try:
            yield
        finally:
            self.shielded, self.phase, self.since = False, phase, since

    def watch(self) -> None:
        while not self.over.wait(STEP):
            try:
                self.look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("run %s: the guard could not look: %s", self.run_id, error)

    def look(self) -> None:
        if self.shielded:
            self.end_repair()
        elif self.reason is None:
            self.reason = self.why_to_stop()
        if self.reason and not self.heard:
            with self.killing:
                if not self.heard:
                    kill_marked(self.mark)
            self.over.wait(STEP)
            if not self.heard:
                os.kill(os.getpid(), SIGNAL)
        if time.monotonic() - self.renewed >= RENEW_EVERY:
            with self.sessions() as session:
                if not lease.renew(session, self.environment_id, self.token):
                    self.give_up()
            self.renewed = time.monotonic()

    def why_to_stop(self) -> Interruption | None:
        limit = self.limit(self.phase)
        if time.monotonic() - self.since > limit:
            return Interruption(
                "failed",
                f"{self.phase} took longer than {limit:.0f} s and was ended",
                "see in the log what it waited for; a longer limit is a setting of the host",
            )
        if self.phase in HAND_OVER and stopping_file(self.settings).exists():
            return Interruption("queued", "the worker is being stopped", "it goes on by itself")
        with self.sessions() as session:
            asked = session.scalar(select(Run.cancelled_by).where(Run.id == self.run_id))
        return cancelled(asked) if asked else None

    def limit(self, phase: str) -> float:
        """Seconds."""
        settings = {
            "building": self.settings.build_seconds,
            "applying": self.settings.apply_seconds,
        }
        return float(settings.get(phase) or LIMITS.get(phase, 600.0))

    def end_repair(self) -> None:
        """The engine fails, and with it the repair, whose caller goes on."""
        if time.monotonic() - self.since > self.limit("putting back"):
            log.error("run %s: putting back took too long and was ended", self.run_id)
            kill_marked(self.mark)
            self.since = time.monotonic()

    def give_up(self) -> None:
        """The lease is another's: stop at once, and touch nothing any more."""
        log.error("run %s: its lease was taken over; this worker stops", self.run_id)
        kill_marked(f"{self.mark}:{self.token}")
        os._exit(LOST_LEASE)
