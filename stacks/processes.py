"""Processes of this host: whether one still lives, and ending those that carry a Run's mark.

A pid is reused; a pid with its start time (proc(5), stat field 22) and the boot it counts from
is not. Signals go through a pidfd (pidfd_open(2)), so that none ever reaches a stranger.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

MARK = "PORTWRIGHT_RUN_MARK"
STEP = 0.05
PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None)


def start_time(pid: int) -> int | None:
    """The kernel's start time of a process, in ticks since boot; None where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def end_with_parent() -> None:
    """In a new process: it gets SIGTERM when the one that began it ends, however that happens."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def boot() -> str:
    """Which start of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def began(pid: int) -> float | None:
    """When the process started, in seconds since the epoch; None where it is gone."""
    ticks = start_time(pid)
    if ticks is None:
        return None
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")


def marked(mark: str) -> list[int]:
    """Processes that were started with this mark in their environment. mark: up to a colon, or whole."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and carries(int(entry.name), mark):
            found.append(int(entry.name))
    return found


def carries(pid: int, mark: str) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    wanted = f"{MARK}={mark}".encode()
    return any(item == wanted or item.startswith(wanted + b":") for item in environ)


def kill_marked(mark: str, patience: float = 5.0) -> list[int]:
    """Kill all that carry the mark, also what they start meanwhile; returns their pids."""
    killed: list[int] = []
    deadline = time.monotonic() + patience
    while (found := [pid for pid in marked(mark) if start_time(pid)]) and (
        time.monotonic() < deadline
    ):
        for pid in found:
            with contextlib.suppress(OSError):
                descriptor = os.pidfd_open(pid)
                try:
                    if carries(pid, mark):
                        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                        killed.append(pid)
                finally:
                    os.close(descriptor)
        time.sleep(STEP)
    return sorted(set(killed))


def kill_started(pid: int, started: int) -> bool:
    """Kill the process of that pid and start time; False where it is gone."""
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            if start_time(pid) == started:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                return True
        finally:
            os.close(descriptor)
    return False
