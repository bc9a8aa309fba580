"""A Run's log: the one place that its lines pass, so the one place where secrets are taken out."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

MASK = "••••••••"
MIN_LENGTH = 4


class RunLog:
    """Appends lines to a file, from any thread. `hide` adds values that never get into it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w")
        self.hidden: list[str] = []
        self.lock = threading.Lock()

    def hide(self, values: Iterable[str]) -> None:
        """Mask these values, and what they look like in base64 and in a URL."""
        forms = set(self.hidden)
        for value in values:
            if len(value) >= MIN_LENGTH:
                encoded = base64.b64encode(value.encode()).decode().rstrip("=")
                forms |= {value, encoded, quote(value, safe="")}
        self.hidden = sorted(forms, key=len, reverse=True)

    def redact(self, text: str) -> str:
        for value in self.hidden:
            text = text.replace(value, MASK)
        return text

    def __call__(self, line: str) -> None:
        at = datetime.now(UTC).strftime("%H:%M:%S")
        text = "".join(f"{at} {part}\n" for part in self.redact(line).splitlines() or [""])
        with self.lock:
            self.file.write(text)
            self.file.flush()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
