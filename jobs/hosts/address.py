"""Where a host is logged in to: ssh://USER@HOST[:PORT], read strictly, for it reaches ssh's argv."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs import ssh
from jobs.hostnames import HOST, PORT, USER, plain
from jobs.models import Host
from stacks.errors import PortwrightError

ADDRESS = re.compile(rf"ssh://{USER}@{HOST}{PORT}/?")
LONGEST = 400


@dataclass(frozen=True)
class Address:
    """host: a name, or an IP address without brackets."""

    user: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{self.user}@{host}" + (f":{self.port}" if self.port != 22 else "")

    @property
    def alias(self) -> str:
        """As known_hosts calls it."""
        return ssh.alias(self.host, self.port)


def parse(text: str) -> Address:
    """Raises PortwrightError for all that is not plainly one."""
    found = ADDRESS.fullmatch(text) if len(text) <= LONGEST else None
    port = int(found["port"] or 22) if found else 0
    host = found["host"].strip("[]") if found else ""
    if not found or not 0 < port < 65536 or not plain(host):
        raise PortwrightError(
            f"{text[:200]!r} is no host to log in to",
            remedy="give it as ssh://USER@HOST or ssh://USER@HOST:PORT",
            path="address",
        )
    return Address(found["user"], host, port)


def remote(host: Host) -> str:
    """Its address; raises PortwrightError of this machine."""
    if host.address is None:
        raise PortwrightError(
            "this machine needs no way to it", remedy="name another host", path="host"
        )
    return host.address
