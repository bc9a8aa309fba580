"""Asking a server without fetching anything: its branches, and whether it can be read."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired

from git import GitCommandError

from jobs.source.access import Access, Resolve, unguarded
from jobs.source.address import parse
from jobs.source.connection import connect
from jobs.source.refs import list_refs
from jobs.source.words import explain
from stacks.errors import PortwrightError

HEADS = "refs/heads/"
NOWHERE = Path("/")


@dataclass(frozen=True)
class Tested:
    """kind: `ok`, a kind of jobs.source.words (host, refused, route, host-key, authentication,
    not-found, not-git, tls, ...), or `address` where it is not let out of here."""

    kind: str
    message: str
    remedy: str = ""
    branches: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.kind == "ok"


def heads(access: Access, resolve: Resolve = unguarded) -> dict[str, str]:
    """Branch -> SHA, as the server has them now. Raises PortwrightError where it can't be asked."""
    try:
        return ask(access, resolve)
    except (GitCommandError, TimeoutExpired) as error:
        raise explain(access, error)[1] from None


def test(access: Access, resolve: Resolve = unguarded) -> Tested:
    """Whether the repository can be read; if not, why, and what to do about it."""
    try:
        found = ask(access, resolve)
    except (GitCommandError, TimeoutExpired) as error:
        kind, told = explain(access, error)
        if kind == "connect":
            kind, told = explain(access, knock(access, resolve))
        return Tested(kind, told.message, told.remedy)
    except PortwrightError as error:
        return Tested("address", str(error), error.remedy)
    if not found:
        return Tested("empty", "it has no branch", "push a first commit, or check its address")
    return Tested("ok", f"it can be read; its branches: {len(found)}", "", tuple(sorted(found)))


def knock(access: Access, resolve: Resolve) -> GitCommandError | TimeoutExpired:
    """Why no connection is made, which curl does not say: the system's word for it."""
    address = parse(access.url)
    try:
        with socket.create_connection((resolve(address.host, address.port), address.port), 10.0):
            return GitCommandError("connect", 1, b"Failed to connect")
    except TimeoutError:
        return TimeoutExpired("connect", 10.0)
    except OSError as error:
        return GitCommandError("connect", 1, f"Failed to connect: {error.strerror}".encode())


def ask(access: Access, resolve: Resolve) -> dict[str, str]:
    with connect(access, resolve) as connection:
        found = list_refs(connection, NOWHERE, f"{HEADS}*")
    return {name.removeprefix(HEADS): sha for name, sha in found.items() if name.startswith(HEADS)}
