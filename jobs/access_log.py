"""Traefik's access log is capped: above a size it becomes `access.log.1`, and Traefik opens it anew
(SIGUSR1: https://doc.traefik.io/traefik/observability/access-logs/#log-rotation)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

from jobs.settings import Settings
from stacks.processes import boot, start_time

MOST_BYTES = 20 * 1024 * 1024


def rotate(settings: Settings) -> bool:
    """True where the log was too large and is begun anew."""
    log = settings.home / "log" / "access.log"
    try:
        if log.stat().st_size <= MOST_BYTES:
            return False
        pid = recorded(settings.home) or of_unit(settings.home)
        if not pid:
            return False
        log.replace(log.with_name("access.log.1"))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
    except OSError:
        return False
    return True


def recorded(home: Path) -> int | None:
    """Traefik's process where a pid file tells it."""
    try:
        record = json.loads((home / "run/traefik.json").read_text())
        pid = int(record["pid"])
        alive = record.get("boot") == boot() and start_time(pid) == record["started"]
    except (OSError, ValueError, KeyError):
        return None
    return pid if alive else None


def of_unit(home: Path) -> int | None:
    """Traefik's process where it is a unit of systemd's, and this home's."""
    show = ["systemctl", "show", "--property=MainPID", "--value", "portwright-traefik.service"]
    try:
        pid = int(subprocess.run(show, capture_output=True, text=True).stdout)
        argv = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(home / "traefik/traefik.yaml").encode() in argv else None
