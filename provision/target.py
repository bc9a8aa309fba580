"""The machine that is converged: this one, or another one reached over SSH. Pure; knows no pyinfra.

Accepting an unknown host key at the first login is OpenSSH's `accept-new` (ssh_config(5),
StrictHostKeyChecking); a key that changed later is always refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stacks.errors import PortwrightError

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?"
ADDRESS = re.compile(
    rf"(?:(?P<user>[a-z_][a-z0-9_-]{{0,31}})@)?"
    rf"(?P<host>{NAME}(?:\.{NAME})*|\[[0-9a-fA-F:]{{2,39}}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
KNOWN_HOSTS = "~/.ssh/known_hosts"


@dataclass(frozen=True)
class Target:
    """Where to log in. key: a private key's file, empty for the agent's and the user's own keys."""

    host: str = "@local"
    user: str = "root"
    port: int = 22
    key: str = ""
    known_hosts: str = KNOWN_HOSTS

    @property
    def local(self) -> bool:
        return self.host == "@local"

    def __str__(self) -> str:
        if self.local:
            return "this machine"
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 22 else "")

    @property
    def ssh(self) -> str:
        """The command that logs in."""
        port = f"-p {self.port} " if self.port != 22 else ""
        return f"ssh {port}{self.user}@{self.host}"

    @property
    def connection(self) -> dict[str, Any]:
        """pyinfra's data of its SSH connector."""
        if self.local:
            return {}
        return {
            "ssh_hostname": self.host,
            "ssh_user": self.user,
            "ssh_port": self.port,
            "ssh_known_hosts_file": str(Path(self.known_hosts).expanduser()),
            "ssh_strict_host_key_checking": "accept-new",
            "ssh_connect_retries": 2,
            **({"ssh_key": self.key} if self.key else {}),
        }

    def environment(self) -> dict[str, str]:
        """For the processes that converge it."""
        return {
            "PORTWRIGHT_TARGET": "@local"
            if self.local
            else f"{self.user}@{bracketed(self.host)}:{self.port}",
            "PORTWRIGHT_SSH_KEY": self.key,
            "PORTWRIGHT_KNOWN_HOSTS": self.known_hosts,
        }


def parse(text: str, key: str = "", known_hosts: str = "") -> Target:
    """`root@host`, `host:2222`, `root@[::1]:22` or `@local`. Raises PortwrightError."""
    if text == "@local":
        return Target()
    found = ADDRESS.fullmatch(text)
    port = int(found["port"] or 22) if found else 0
    if not found or not 0 < port < 65536:
        raise PortwrightError(
            f"{text!r} is no machine to log in to",
            remedy="give it as root@host, root@host:port or root@[address]",
            path="host",
        )
    if found["user"] not in (None, "root"):
        raise PortwrightError(
            f"{found['user']!r} can't change the machine",
            remedy="log in as root, with a key: root@host",
            path="host",
        )
    if key and not Path(key).expanduser().is_file():
        raise PortwrightError(
            f"there is no file {key!r}", remedy="give a private key's file", path="key"
        )
    return Target(
        host=found["host"].strip("[]"),
        port=port,
        key=str(Path(key).expanduser().absolute()) if key else "",
        known_hosts=known_hosts or KNOWN_HOSTS,
    )


def from_environ(environ: Mapping[str, str] | None = None) -> Target:
    """What `environment` gave; this machine where it is not set."""
    given = os.environ if environ is None else environ
    return parse(
        given.get("PORTWRIGHT_TARGET", "@local"),
        given.get("PORTWRIGHT_SSH_KEY", ""),
        given.get("PORTWRIGHT_KNOWN_HOSTS", ""),
    )


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
