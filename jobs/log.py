"""A Run's log: the one place that its lines pass, so the one place where secrets are taken out."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from jobs.log_files import parts
from jobs.redact import MASK, Redactor
from jobs.terminal import colours

__all__ = ["MASK", "RunLog"]
HEAD = 1024 * 1024
PIECE = 512 * 1024
KEPT = 2


class RunLog:
    """Appends lines, from any thread. `hide` adds values that never get into it.

    head: bytes of the beginning, which stay; piece: bytes of each file after it, of which the
    newest `kept` stay. Opened again on the same path, it goes on where it ended.
    """

    def __init__(
        self, path: Path, *, head: int = HEAD, piece: int = PIECE, kept: int = KEPT
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.head, self.piece, self.kept = path, head, piece, kept
        self.redactor = Redactor()
        self.lock = threading.Lock()
        there = parts(path)
        last = there[-1] if there else None
        self.start = last.start if last else 0
        self.end = last.end if last else 0
        self.file = self.open(last.path if last else path)
        if last and last.end > last.start and not last.path.read_bytes().endswith(b"\n"):
            self.end += os.write(self.file, b"\n")  # the writer before died within a line

    def open(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def hide(self, values: Iterable[str]) -> None:
        """Mask these values in every form that jobs.redact knows."""
        self.redactor.hide(values)

    def redact(self, text: str) -> str:
        """Without secrets, and without what a terminal obeys but colours."""
        return self.redactor.redact_coloured(colours(text))

    def __call__(self, line: str) -> None:
        at = datetime.now(UTC).strftime("%H:%M:%S")
        text = "".join(f"{at} {part}\n" for part in self.redact(line).splitlines() or [""])
        data = text.encode("utf-8", "replace")
        with self.lock:
            limit = self.piece if self.start else self.head
            if self.end > self.start and self.end - self.start + len(data) > limit:
                self.begin_another()
            with contextlib.suppress(OSError):  # a full disk costs lines, not the Run
                self.end += os.write(self.file, data)

    def begin_another(self) -> None:
        os.close(self.file)
        self.start = self.end
        self.file = self.open(self.path.with_name(f"{self.path.name}.{self.start}"))
        for part in parts(self.path)[1 : -self.kept]:
            part.path.unlink(missing_ok=True)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.file)
