"""Addresses of repositories, read strictly: https, http, ssh, or a path on this server.

Git runs programs for other transports (ext::) and has taken hosts and paths that begin with
a dash for options of ssh (CVE-2017-1000117), so each part is matched against an allowlist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.hostnames import HOST, PORT, USER, plain
from stacks.errors import PortwrightError

PART = r"(?![.][.]?(?:/|$))[A-Za-z0-9._~+%@][A-Za-z0-9._~+%@-]*"
PATH = rf"(?P<path>/?{PART}(?:/{PART})*/?)"
WEB = re.compile(rf"(?P<scheme>https?)://{HOST}{PORT}(?=/){PATH}")
SSH = re.compile(rf"(?P<scheme>ssh)://(?:{USER}@)?{HOST}{PORT}(?=/){PATH}")
SCP = re.compile(rf"{USER}@{HOST}:(?!//){PATH}")
LOCAL = re.compile(rf"(?=/){PATH}")
PORTS = {"https": 443, "http": 80, "ssh": 22, "file": 0}
LONGEST = 2000


@dataclass(frozen=True)
class Address:
    """scheme: https, http, ssh or file. host: without brackets, empty for a path.

    text: as git is told. path: as it stands in the text.
    """

    text: str
    scheme: str
    host: str
    port: int
    user: str
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials belong to."""
        return self.scheme, self.host.lower(), self.port


def parse(url: str, path: str = "repository") -> Address:
    """Raises PortwrightError, at this path, for all that is not plainly one of the four."""
    if len(url) <= LONGEST:
        for pattern, scheme in ((WEB, ""), (SSH, "ssh"), (SCP, "ssh"), (LOCAL, "file")):
            found = pattern.fullmatch(url)
            if not found:
                continue
            parts = found.groupdict()
            scheme = scheme or parts["scheme"]
            port = int(parts.get("port") or PORTS[scheme])
            host = (parts.get("host") or "").strip("[]")
            if scheme != "file" and (not 0 < port < 65536 or not plain(host)):
                break
            return Address(url, scheme, host, port, parts.get("user") or "", parts["path"])
    raise PortwrightError(
        f"{url[:200]!r} is no repository that can be used",
        remedy="give https://host/path, git@host:path, or an absolute path on this server",
        path=path,
    )


def relative(base: Address, url: str, path: str) -> Address:
    """The address of a submodule (gitmodules(5)): `./` and `../` count from the parent's.

    Raises PortwrightError where it leads nowhere, or to a path on this server.
    """
    text = url
    if url.startswith(("./", "../")):
        parts = base.path.rstrip("/").split("/")
        rest = url
        while rest.startswith(("./", "../")):
            step, _, rest = rest.partition("/")
            if step == ".." and parts in ([], [""]):
                raise PortwrightError(
                    f"{url[:200]!r} leads above the server's root",
                    remedy="write fewer ../",
                    path=path,
                )
            parts = parts[:-1] if step == ".." else parts
        there = "/".join([*parts, rest])
        text = base.text[: len(base.text) - len(base.path)] + there
    found = parse(text, path)
    if found.scheme == "file":
        raise PortwrightError(
            f"{url[:200]!r} is a path on this server",
            remedy="give the submodule an address on a forge",
            path=path,
        )
    return found
