"""The ssh command: one host, its confirmed keys, one key of ours. ssh_config(5)."""

from __future__ import annotations

from jobs.source.access import Access
from jobs.source.address import Address
from jobs.source.papers import Papers


def ssh_command(
    access: Access, address: Address, ip: str, papers: Papers, trusted: bool
) -> tuple[str, ...]:
    """Only the pinned host keys, only this key, only this address; no configuration, no agent.

    Where a port is given, known_hosts knows a host as [host]:port (sshd(8)).
    """
    alias = address.host if address.port == 22 else f"[{address.host}]:{address.port}"
    key = papers.file(lines(access.private_key)) if access.private_key and trusted else ""
    options = {
        "HostName": ip.replace("%", "%%"),
        "HostKeyAlias": alias,
        "CheckHostIP": "no",
        "UserKnownHostsFile": papers.file(lines(access.known_hosts)),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityFile": key or "none",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "ProxyCommand": "none",
        "ProxyJump": "none",
        "PermitLocalCommand": "no",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "20",
    }
    return ("ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items()))


def lines(text: str) -> str:
    """As it was pasted, with the line ends that ssh wants."""
    return text.replace("\r\n", "\n").strip() + "\n"
