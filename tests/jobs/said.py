"""What a host says of its certificates, and a socket that says it."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from jobs.models import now

HOST = "shop.example.com"
UNTIL = (now() + timedelta(days=60)).isoformat(timespec="seconds")
GOOD: dict[str, Any] = {
    "name": HOST, "stage": "issued", "issuer": "Let's Test", "until": UNTIL, "failure": None,
    "retry_at": None, "reach": {"here": True, "words": "it points here"},
}  # fmt: skip
FAILURE = {
    "name": HOST, "at": "2026-01-02T03:04:05+00:00", "problem": "dns", "cause": "no such name",
    "remedy": "add a record",
}  # fmt: skip


def serve(path: Path, *parts: bytes) -> list[bytes]:
    """A socket that answers the first caller so; what it was told is put in the list."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    door.listen()
    told: list[bytes] = []

    def answer() -> None:
        with door, door.accept()[0] as caller:
            told.append(caller.makefile("rb").readline())
            for part in parts:
                caller.sendall(part)

    threading.Thread(target=answer, daemon=True).start()
    return told
