"""The ssh command for one host: its confirmed keys, its own key of ours, and nothing else of this
machine's configuration. ssh_config(5)."""

from __future__ import annotations

from pathlib import Path

from jobs.hosts.address import Address

CONNECT_S = 10
# A connection that nothing comes back on is given up after 3 × 10 s.
ALIVE_S, ALIVE_COUNT = 10, 3


def command(address: Address, folder: Path) -> list[str]:
    """folder: where the files `key` and `known_hosts` are. What follows is for the caller to add:
    options, then the host's name `there`, then a command."""
    options = {
        "HostName": address.host,
        "User": address.user,
        "Port": str(address.port),
        "HostKeyAlias": address.alias,
        "CheckHostIP": "no",
        "UserKnownHostsFile": f'"{escaped(folder / "known_hosts")}"',
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityFile": f'"{escaped(folder / "key")}"',
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "ProxyCommand": "none",
        "ProxyJump": "none",
        "PermitLocalCommand": "no",
        "ForwardAgent": "no",
        "ControlMaster": "no",
        "ControlPath": "none",
        "BatchMode": "yes",
        "ConnectTimeout": str(CONNECT_S),
        "ServerAliveInterval": str(ALIVE_S),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "TCPKeepAlive": "yes",
        "LogLevel": "INFO",
    }
    return ["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())]


def forward(local: Path, remote: str) -> str:
    """An argument of -L: a socket of ours to a socket or HOST:PORT there."""
    return f"{escaped(local)}:{remote}"


def escaped(path: Path) -> str:
    """ssh replaces what follows a percent sign."""
    return str(path).replace("%", "%%")
