"""pyinfra facts and operations of our own: each yields a command only where the state differs."""

from __future__ import annotations

import hashlib
import json
import shlex
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
from provision.systemd import DRAFT, as_wanted, start, unit_of
from provision.where import managed

CHECKOUT = Path(__file__).resolve().parent.parent


class RunningFingerprint(FactBase[str]):
    """The fingerprint of a daemon that runs, empty where it does not."""

    def command(self, home: str, who: str) -> StringCommand:
        return StringCommand(
            QuoteString(host.data.python),
            "-m",
            "provision.daemons",
            "status",
            QuoteString(home),
            who,
        )

    def process(self, output: Iterable[str]) -> str:
        return "".join(output).strip()


class Succeeds(FactBase[bool]):
    """Whether a command exits with 0; for state that no other fact reads."""

    def command(self, check: str) -> str:
        # Nothing that any part of it prints is taken for the answer.
        return f"if {{ {check}; }} >/dev/null 2>&1; then echo yes; else echo no; fi"

    def process(self, output: Iterable[str]) -> bool:
        return list(output) == ["yes"]


@operation()
def daemon(home: str, wanted: Daemon) -> Generator[Any, None, None]:
    """The daemon runs with just these arguments, environment and configuration."""
    if managed():
        yield from unit(home, wanted)
        return
    if host.get_fact(RunningFingerprint, home=home, who=wanted.name) == wanted.fingerprint:
        host.noop(f"{wanted.name} runs already")
        return
    path = f"{home}/run/{wanted.name}.daemon.json"
    yield from files.put._inner(src=StringIO(json.dumps(asdict(wanted))), dest=path, mode="600")
    restart = [QuoteString(host.data.python), "-m", "provision.daemons", "restart"]
    yield StringCommand(*restart, QuoteString(home), QuoteString(path))


def unit(home: str, wanted: Daemon) -> Generator[Any, None, None]:
    """The same as a systemd unit: sandboxed, kept alive, started at boot."""
    made = unit_of(wanted, home, host.data.unit_memory)
    if host.get_fact(Succeeds, check=as_wanted(made)):
        host.noop(f"{wanted.name} runs already")
        return
    yield from files.put._inner(src=StringIO(made.text), dest=made.path, mode="600")
    yield from start(made, wanted)


@operation()
def text_file(
    path: str, text: str, then: str = "", mode: str = "644", before: str = ""
) -> Generator[Any, None, None]:
    """A file with this text; `before` and `then` are shell commands around its change.

    The draft goes when `then` is done: where a cut connection left one, all is done again.
    """
    file, draft = shlex.quote(path), shlex.quote(path + DRAFT)
    digest = hashlib.sha256(text.encode()).hexdigest()
    same = f'test ! -e {draft} && echo "{digest}  "{file} | sha256sum -c --status'
    if host.get_fact(Succeeds, check=same):
        host.noop(f"{path} is so")
        return
    yield f"mkdir -p {shlex.quote(str(Path(path).parent))}"
    yield from files.put._inner(src=StringIO(text), dest=path + DRAFT, mode=mode)
    if before:
        yield before
    yield f"cp -p {draft} {file}"
    if then:
        yield then
    yield f"rm -f {draft}"


@operation()
def unless(check: str, *commands: str) -> Generator[str, None, None]:
    """Commands for what `check` (a shell test) says is not so yet. Only for constants of ours."""
    if host.get_fact(Succeeds, check=check):
        host.noop(check)
        return
    yield from commands


def no_unit(path: str, name: str) -> None:
    """A step of a deploy: the unit at that path is stopped and gone."""
    unit = Path(path).stem
    unless(
        f"! test -e {path}",
        f"systemctl disable --now {unit}; rm -f {path}; systemctl daemon-reload",
        name=name,
    )
