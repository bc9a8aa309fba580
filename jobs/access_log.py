"""Traefik's access log is capped: above a size it becomes `access.log.1`, and Traefik opens it anew
(SIGUSR1: https://doc.traefik.io/traefik/observability/access-logs/#log-rotation)."""

from __future__ import annotations

import contextlib
import json
import os
import signal

from jobs.settings import Settings
from stacks.processes import boot, start_time

MOST_BYTES = 20 * 1024 * 1024


def rotate(settings: Settings) -> bool:
    """True where the log was too large and is begun anew."""
    log = settings.home / "log" / "access.log"
    try:
        if log.stat().st_size <= MOST_BYTES:
            return False
        record = json.loads((settings.home / "run/traefik.json").read_text())
        pid = int(record["pid"])
        if record.get("boot") != boot() or start_time(pid) != record["started"]:
            return False
        log.replace(log.with_name("access.log.1"))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
    except (OSError, ValueError, KeyError):
        return False
    return True
