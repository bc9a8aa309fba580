"""Where a repository's large files are, and as whom to ask for them.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/server-discovery.md and authentication.md
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from git import GitCommandError

from jobs.source.access import Access
from jobs.source.address import parse
from jobs.source.command import run
from jobs.source.connection import Connection
from jobs.source.probe import NOWHERE
from stacks.errors import PortwrightError

SECONDS = 60.0
NO_COMMAND = 127  # a shell's exit code where there is no such program


@dataclass(frozen=True)
class Server:
    url: str
    headers: dict[str, str] = field(repr=False)


def find_server(access: Access, connection: Connection) -> Server:
    """By the repository's address; over ssh the server is asked. Raises PortwrightError."""
    address = connection.address
    if address.scheme == "file":
        raise failure("a repository on this server has no LFS server")
    if address.scheme == "ssh":
        return ask_by_ssh(connection)
    text = address.text.rstrip("/")
    url = (text if text.endswith(".git") else f"{text}.git") + "/info/lfs"
    headers = {}
    if access.password and address.origin == parse(access.url).origin:
        pair = f"{access.username or 'git'}:{access.password}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return Server(url, headers)


def ask_by_ssh(connection: Connection) -> Server:
    """`git-lfs-authenticate PATH download` answers with an address and headers. The path is of
    an allowlist without quotes or spaces."""
    address = connection.address
    argv = [
        *connection.ssh, "-p", str(address.port), "-l", address.user or "git", "--", address.host,
        f"git-lfs-authenticate {address.path} download",
    ]  # fmt: skip
    try:
        out = run(argv, folder=NOWHERE, environ=connection.environ, seconds=SECONDS, most=1 << 20)
    except GitCommandError as error:
        if error.status == NO_COMMAND:
            raise failure("its ssh server knows no git-lfs-authenticate") from None
        raise
    try:
        match json.loads(out):
            case {"href": str(href), **rest}:
                header = rest.get("header")
                headers = header if isinstance(header, dict) else {}
                return Server(href.rstrip("/"), {str(k): str(v) for k, v in headers.items()})
    except ValueError:
        pass
    raise failure("its ssh server does not say where they are")


def failure(message: str) -> PortwrightError:
    return PortwrightError(
        f"its large files can't be read: {message}",
        remedy="push them (git lfs push --all origin), or turn LFS off for this project",
        path="lfs",
    )
