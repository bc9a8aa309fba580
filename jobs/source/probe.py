"""Asking a server without fetching anything: its branches, and whether it can be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired

from git import GitCommandError

from jobs.source.access import Access, Resolve, unguarded
from jobs.source.connection import connect
from jobs.source.fetching import list_refs
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
    except GitCommandError as error:
        raise explain(access, str(error.stderr))[1] from None
    except TimeoutExpired:
        raise explain(access, "timed out")[1] from None


def test(access: Access, resolve: Resolve = unguarded) -> Tested:
    """Whether the repository can be read; if not, why, and what to do about it."""
    try:
        found = ask(access, resolve)
    except GitCommandError as error:
        kind, told = explain(access, str(error.stderr))
        return Tested(kind, told.message, told.remedy)
    except TimeoutExpired:
        kind, told = explain(access, "timed out")
        return Tested(kind, told.message, told.remedy)
    except PortwrightError as error:
        return Tested("address", str(error), error.remedy)
    return Tested("ok", f"it can be read; it has {len(found)} branches", "", tuple(sorted(found)))


def ask(access: Access, resolve: Resolve) -> dict[str, str]:
    with connect(access, resolve) as connection:
        found = list_refs(connection, NOWHERE, f"{HEADS}*")
    return {name.removeprefix(HEADS): sha for name, sha in found.items() if name.startswith(HEADS)}
