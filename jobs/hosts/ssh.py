"""The ssh command for one host: its confirmed keys, and its own key of ours."""

from __future__ import annotations

from pathlib import Path

from jobs import ssh
from jobs.hosts.address import Address

CONNECT_S = 10
# A connection that nothing comes back on is given up after 3 × 10 s.
ALIVE_S, ALIVE_COUNT = 10, 3
# How much room the disk has where Docker keeps its data: all that our key may run there.
ROOM = "df -kP /var/lib/docker /"


def command(address: Address, folder: Path) -> list[str]:
    """folder: where the files `key` and `known_hosts` are. What follows is for the caller to add:
    options, then the host's name `there`, then a command."""
    return ssh.command(
        host=address.host,
        alias=address.alias,
        known_hosts=f'"{escaped(folder / "known_hosts")}"',
        key=f'"{escaped(folder / "key")}"',
        more={
            "User": address.user,
            "Port": str(address.port),
            "ControlMaster": "no",
            "ControlPath": "none",
            "ConnectTimeout": str(CONNECT_S),
            "ServerAliveInterval": str(ALIVE_S),
            "ServerAliveCountMax": str(ALIVE_COUNT),
            "TCPKeepAlive": "yes",
            "LogLevel": "INFO",
        },
    )


def forward(local: Path, remote: str) -> str:
    """An argument of -L: a socket of ours to a socket or HOST:PORT there."""
    return f"{escaped(local)}:{remote}"


def escaped(path: Path) -> str:
    """ssh replaces what follows a percent sign."""
    return str(path).replace("%", "%%")
