"""What must be so before anything is changed; each refusal says what to do."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from jobs.settings import Settings
from provision.daemons import running
from stacks.errors import PortwrightError

MACHINES = ("x86_64", "aarch64")
SYSTEMS = ("debian", "ubuntu")
MIN_DISK = 5 * 1024**3
# Go keeps what it fetched and compiled: 12 GB were seen.
BUILD_DISK = 16 * 1024**3
LOOPBACK = "127.0.0.1"
# What is sold as 1 GB has a little less to show.
MIN_MEMORY = 900 * 1024**2


def check(settings: Settings) -> None:
    """Raises PortwrightError for the first thing that is not as it must be."""
    system = system_id()
    if system not in SYSTEMS:
        raise PortwrightError(
            f"this is {system or 'an unknown system'}; Portwright knows Debian and Ubuntu",
            remedy="use Debian 12 (tried) or Ubuntu 22.04 or newer (untried)",
        )
    if os.uname().machine not in MACHINES:
        raise PortwrightError(
            f"the processor is {os.uname().machine}",
            remedy=f"use one of {', '.join(MACHINES)}",
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < MIN_MEMORY:
        raise PortwrightError(
            f"this machine has {memory // 1024**2} MB of memory", remedy="give it 1 GB or more"
        )
    built = settings.install == "release" or (settings.cache / "toolchain").exists()
    for folder, need in (
        (settings.home, MIN_DISK),
        (settings.cache, MIN_DISK if built else BUILD_DISK),
    ):
        free = shutil.disk_usage(existing(folder)).free
        if free < need:
            raise PortwrightError(
                f"only {free // 1024**2} MB are free for {folder}",
                remedy=f"free at least {need // 1024**3} GB (docker system df tells what takes space)",
            )
    wanted = [
        ("the portal", "PORTAL_PORT", settings.bind, settings.portal_port, "portal"),
        ("deployed services", "HTTP_PORT", settings.bind, settings.http_port, "traefik"),
        ("Traefik's API", "TRAEFIK_PORT", "127.0.0.1", settings.traefik_port, "traefik"),
    ]
    if settings.sample == "yes":
        wanted.append(("the library", "LIBRARY_PORT", LOOPBACK, settings.library_port, "library"))
    if settings.https_port:
        wanted += [
            ("HTTPS", "HTTPS_PORT", settings.bind, settings.https_port, "traefik"),
            ("a rehearsal", "REHEARSAL_PORT", "127.0.0.1", settings.rehearsal_port, "worker"),
        ]
    for name, variable, address, port, daemon in wanted:
        others = [other for other, _, _, number, _ in wanted if number == port and other != name]
        if others:
            raise PortwrightError(
                f"port {port} is given to {name} and to {others[0]}",
                remedy=f"give PORTWRIGHT_{variable} another one",
            )
        if address not in ("127.0.0.1", "0.0.0.0") and not free_port(address, 0):
            raise PortwrightError(
                f"this machine has no address {address}",
                remedy="set PORTWRIGHT_BIND to one of its own (ip address shows them)",
            )
        # Homes share one library; tools.library refuses a port that another program uses.
        shared = daemon == "library"
        if not shared and not running(settings.home, daemon) and not free_port(address, port):
            raise PortwrightError(
                f"port {port}, which {name} needs, is in use",
                remedy=f"stop what uses it (ss -ltnp 'sport = :{port}'), or set PORTWRIGHT_{variable}",
            )


def system_id() -> str:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("ID", "").strip('"')


def existing(path: Path) -> Path:
    return path if path.exists() else existing(path.parent)


def free_port(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    try:
        check(Settings.from_environ())
    except PortwrightError as problem:
        print(f"{problem}\nwhat to do: {problem.remedy}")
        sys.exit(1)
