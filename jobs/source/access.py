"""How a repository is reached and what may be taken from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

# From a host's name and a port to the IP address to connect to; raises PortwrightError
# where Portwright may not connect there.
Resolve = Callable[[str, int], str]
USER_INFO = re.compile(r"//[^/]*@")


def unguarded(host: str, port: int) -> str:
    """No guard: whoever connects looks the name up."""
    return host


@dataclass(frozen=True)
class Access:
    """A repository with what it takes to read it. Its repr shows no secret.

    url: https://host/path, ssh://user@host/path, user@host:path, or an absolute path.
    password: a password or token for https. private_key: OpenSSH text, without passphrase.
    known_hosts: the host keys that were confirmed, as in known_hosts(5).
    max_bytes: limit of one fetch as it is sent, and of a checkout as it is laid out.
    allowed: hosts and networks that the host's owner permits, for whoever makes the Resolve.
    certificates: PEM text of the authorities to trust, instead of the system's.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    submodules: bool = False
    lfs: bool = False
    max_bytes: int = 1 << 30
    allowed: tuple[str, ...] = ()
    certificates: str = field(default="", repr=False)

    def __repr__(self) -> str:
        secrets = "with" if self.password or self.private_key else "without"
        return f"Access({USER_INFO.sub('//', self.url)!r}, {secrets} a secret)"
