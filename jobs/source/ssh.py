"""The ssh command that git reads a repository by: its confirmed keys, one key of ours."""

from __future__ import annotations

from jobs import ssh
from jobs.source.access import Access
from jobs.source.address import Address
from jobs.source.papers import Papers


def ssh_command(
    access: Access, address: Address, ip: str, papers: Papers, trusted: bool
) -> tuple[str, ...]:
    """Only the pinned host keys, only this key, only this address."""
    key = papers.file(lines(access.private_key)) if access.private_key and trusted else ""
    argv = ssh.command(
        host=ip.replace("%", "%%"),
        alias=ssh.alias(address.host, address.port),
        known_hosts=papers.file(lines(access.known_hosts)),
        key=key or "none",
        more={
            "ClearAllForwardings": "yes",
            "ConnectTimeout": "20",
            "ServerAliveInterval": "20",
        },
    )
    return tuple(argv)


def lines(text: str) -> str:
    """As it was pasted, with the line ends that ssh wants."""
    return text.replace("\r\n", "\n").strip() + "\n"
