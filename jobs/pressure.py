"""What the host is short of. A Run that would need more of it waits until there is room again."""

from __future__ import annotations

import os
from pathlib import Path

from jobs.models import Host
from jobs.settings import Settings

MEGABYTE = 1024 * 1024


def disk_free_mb(folder: Path) -> int:
    """Of the file system that holds the folder, for unprivileged writers; statvfs(3)."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // MEGABYTE


def memory_free_mb(meminfo: Path = Path("/proc/meminfo")) -> int:
    """What can be had without swapping; proc(5), MemAvailable."""
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 0


def shortage(settings: Settings) -> str:
    """Why no new build or deploy is begun now, in words; empty where nothing is short."""
    free = disk_free_mb(settings.home)
    if free < settings.min_disk_mb:
        return (
            f"the disk of {settings.home} has {free} MB free and a deploy needs "
            f"{settings.min_disk_mb}: remove what is not needed there"
        )
    free = memory_free_mb()
    if free < settings.min_memory_mb:
        return f"the host has {free} MB of memory free and a deploy needs {settings.min_memory_mb}"
    return ""


def shortage_there(host: Host | None, settings: Settings) -> str:
    """The same of another host's disk, as it was when it was last looked at."""
    free = (host.facts or {}).get("disk_free_mb") if host else None
    if free is None or free >= settings.min_disk_mb:
        return ""
    return (
        f"the disk of host {host.name if host else ''} has {free} MB free and a deploy needs "
        f"{settings.min_disk_mb}: remove what is not needed there"
    )
