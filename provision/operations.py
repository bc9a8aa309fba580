"""pyinfra facts and operations of our own: each yields a command only where the state differs."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, OperationError, StringCommand, operation
from pyinfra.api.command import QuoteString
from pyinfra.facts.deb import DebPackages
from pyinfra.operations import apt, files

from provision.daemons import Daemon

CHECKOUT = Path(__file__).resolve().parent.parent
POLICY = "/usr/sbin/policy-rc.d"


class RunningFingerprint(FactBase[str]):
    """The fingerprint of a daemon that runs, empty where it does not."""

    def command(self, home: str, who: str) -> StringCommand:
        return StringCommand(
            sys.executable, "-m", "provision.daemons", "status", QuoteString(home), who
        )

    def process(self, output: Iterable[str]) -> str:
        return "".join(output).strip()


class Succeeds(FactBase[bool]):
    """Whether a command exits with 0; for state that no other fact reads."""

    def command(self, check: str) -> str:
        return f"if {check} >/dev/null 2>&1; then echo yes; else echo no; fi"

    def process(self, output: Iterable[str]) -> bool:
        return list(output) == ["yes"]


@operation()
def daemon(home: str, wanted: Daemon) -> Generator[Any, None, None]:
    """The daemon runs with just these arguments, environment and configuration."""
    if host.get_fact(RunningFingerprint, home=home, who=wanted.name) == wanted.fingerprint:
        host.noop(f"{wanted.name} runs already")
        return
    path = f"{home}/run/{wanted.name}.daemon.json"
    yield from files.put._inner(src=StringIO(json.dumps(asdict(wanted))), dest=path, mode="600")
    yield StringCommand(
        sys.executable, "-m", "provision.daemons", "restart", QuoteString(home), QuoteString(path)
    )


@operation()
def unless(check: str, *commands: str) -> Generator[str, None, None]:
    """Commands for what `check` (a shell test) says is not so yet. Only for constants of ours."""
    if host.get_fact(Succeeds, check=check):
        host.noop(check)
        return
    yield from commands


def packages(names: list[str]) -> None:
    """Debian packages, without starting the services they bring: we say what runs."""
    present = host.get_fact(DebPackages)
    missing = [name for name in names if name not in present]
    if not missing:
        apt.packages(name=f"packages {', '.join(names)}", packages=names)
        return
    if host.get_fact(Succeeds, check=f"test -e {POLICY}"):
        raise OperationError(f"{POLICY} is there already: remove it, then try again")
    files.put(
        name="hold services back while packages come",
        src=StringIO("#!/bin/sh\nexit 101\n"),
        dest=POLICY,
        mode="755",
    )
    apt.packages(
        name=f"packages {', '.join(missing)}",
        packages=missing,
        update=True,
        no_recommends=True,
        _env={"DEBIAN_FRONTEND": "noninteractive"},
    )
    files.file(name="let services start again", path=POLICY, present=False)
