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
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.command import QuoteString
from pyinfra.operations import files

from provision.daemons import Daemon

CHECKOUT = Path(__file__).resolve().parent.parent


class RunningFingerprint(FactBase[str]):
    """The fingerprint of a daemon that runs, empty where it does not."""

    def command(self, home: str, who: str) -> StringCommand:
        return StringCommand(
            QuoteString(sys.executable), "-m", "provision.daemons", "status", QuoteString(home), who
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
    restart = [QuoteString(sys.executable), "-m", "provision.daemons", "restart"]
    yield StringCommand(*restart, QuoteString(home), QuoteString(path))


@operation()
def unless(check: str, *commands: str) -> Generator[str, None, None]:
    """Commands for what `check` (a shell test) says is not so yet. Only for constants of ours."""
    if host.get_fact(Succeeds, check=check):
        host.noop(check)
        return
    yield from commands
