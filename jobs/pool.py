"""A fixed number of child processes, each begun again when it ends."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable

from stacks.processes import end_with_parent

LEAST = 1.0
log = logging.getLogger(__name__)


class Pool:
    """work: what a child does; it returns or raises, and the child ends.

    Children are forked from this process, whose memory they share: nothing here may hold
    connections or threads. They are told to end when it dies: an older version's would go on
    taking Runs beside those of the next.
    """

    def __init__(self, size: int, work: Callable[[], None]) -> None:
        self.pid = os.getpid()
        self.size = size
        self.work = work
        self.children: dict[int, float] = {}
        self.extra: dict[int, str] = {}
        self.told: set[int] = set()

    def fill(self) -> None:
        """Begin what is missing; one that ended at once waits a second."""
        young = [begun for begun in self.children.values() if time.monotonic() - begun < LEAST]
        while len(self.children) < self.size and len(young) < self.size:
            self.children[self.fork(self.tied)] = time.monotonic()
            young.append(0.0)

    def tied(self) -> None:
        end_with_parent()
        if os.getppid() == self.pid:  # it may have died before that
            self.work()

    def once(self, name: str, work: Callable[[], None]) -> bool:
        """Do this in a child of its own, unless one of that name is at it."""
        if name in self.extra.values():
            return False
        self.extra[self.fork(work)] = name
        return True

    def fork(self, work: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, signal.SIG_DFL)
            os.setpgrp()
            work()
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            log.exception("a worker's process broke")
        finally:
            os._exit(code)

    def reap(self) -> None:
        """Forget children that have ended."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.children.pop(pid, None)
            self.extra.pop(pid, None)
            self.told.discard(pid)

    def signal(self, number: int) -> None:
        """To each worker of the pool once, for RQ's take the second as force; not to what was
        begun with once()."""
        for pid in self.children:
            if pid not in self.told:
                os.kill(pid, number)
                self.told.add(pid)

    def __len__(self) -> int:
        return len(self.children) + len(self.extra)
