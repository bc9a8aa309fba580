"""One ssh: the host keys and the key that it is given, and nothing of this machine's configuration.
ssh_config(5)."""

from __future__ import annotations

from collections.abc import Mapping


def command(
    *, host: str, alias: str, known_hosts: str, key: str, more: Mapping[str, str]
) -> list[str]:
    """host: the address to connect to. alias: whose keys are looked up. known_hosts, key: files as
    ssh_config takes them; `none` for no key. more: options that only this use has."""
    options = {
        "HostName": host,
        "HostKeyAlias": alias,
        "CheckHostIP": "no",
        "UserKnownHostsFile": known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityFile": key,
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "ProxyCommand": "none",
        "ProxyJump": "none",
        "PermitLocalCommand": "no",
        "ForwardAgent": "no",
        "BatchMode": "yes",
        **more,
    }
    return ["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())]


def alias(host: str, port: int) -> str:
    """As known_hosts calls a server, sshd(8)."""
    return host if port == 22 else f"[{host}]:{port}"
