"""Room on the disk that is kept back, so that a Run can still end well where the disk is full:
its state, the engine's and the log are written into it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from jobs.pressure import MEGABYTE, disk_free_mb
from jobs.settings import Settings

SIZE_MB = 32
FULL_MB = 8


def path_of(settings: Settings) -> Path:
    return settings.home / "run/ballast"


def keep(settings: Settings) -> None:
    """Make it where it is missing and the disk has room for it and as much again."""
    path = path_of(settings)
    with contextlib.suppress(OSError):
        if not path.exists() and disk_free_mb(settings.home) > 2 * SIZE_MB:
            partial = path.with_suffix(".new")
            with partial.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, SIZE_MB * MEGABYTE)
            partial.rename(path)


def drop(settings: Settings) -> bool:
    """Give the room free where the disk is full; True where that was done."""
    path = path_of(settings)
    with contextlib.suppress(OSError):
        if disk_free_mb(settings.home) < FULL_MB and path.exists():
            path.unlink()
            return True
    return False


def was_dropped(settings: Settings) -> bool:
    """True where the disk is full, or was until the ballast went and nobody has made room since."""
    try:
        room = disk_free_mb(settings.home)
    except OSError:
        return False
    return room < FULL_MB or (not path_of(settings).exists() and room <= 2 * SIZE_MB)
