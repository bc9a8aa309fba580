"""A way to the engine that breaks while something comes back through it."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

from jobs.node import ENGINE


class BrokenWay:
    """A socket at path, through which `after` bytes come back in all; then every connection ends,
    and there is no new one."""

    def __init__(self, path: Path, after: int) -> None:
        self.left = after
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(path))
        self.door.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.door.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(ENGINE)
                for argv in ((caller, engine, False), (engine, caller, True)):
                    threading.Thread(target=self.carry, args=argv, daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                self.left -= len(piece) if counted else 0
                if self.left < 0:
                    self.door.shutdown(socket.SHUT_RDWR)
                    break
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
