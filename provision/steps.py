"""Running steps one after the other, so that whoever waits sees which, what it does and for how long."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLAIN_EVERY = 10.0
TICK = 0.5


class StepFailed(Exception):
    """A step that could not go on: its name, the last lines it printed, what to do."""

    def __init__(self, title: str, lines: list[str], remedy: str) -> None:
        super().__init__(title)
        self.title = title
        self.lines = lines
        self.remedy = remedy


@dataclass
class Step:
    """A command. done: a command that exits with 0 where the step has nothing to do.

    change: what the command changes; empty for one that only looks. A command of
    `provision.converge` tells itself what it changed.
    """

    title: str
    argv: Sequence[str]
    done: Sequence[str] | None = None
    change: list[str] = field(default_factory=lambda: ["done"])
    unchanged: str = "already so"
    remedy: str = (
        "correct what the lines above say, then run ./quickstart again: it goes on from there"
    )


@dataclass
class Runner:
    """Runs steps with progress; remembers seconds and changes."""

    env: Mapping[str, str]
    log: Path
    total: int
    tty: bool = field(default_factory=sys.stdout.isatty)
    results: list[dict[str, object]] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(1 for result in self.results if result["changed"])

    def run(self, step: Step) -> None:
        """Run one step; raises StepFailed."""
        number = len(self.results) + 1
        head = f"[{number}/{self.total}] {step.title}"
        started = time.monotonic()
        if (
            step.done
            and not subprocess.run(step.done, env=self.env, capture_output=True).returncode
        ):
            changes: list[str] = []
        else:
            lines = self.command(head, step, started)
            changes = changes_of(lines) if "provision.converge" in step.argv else step.change
        seconds = round(time.monotonic() - started, 1)
        told = ", ".join(changes[:3]) + (
            f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        )
        self.line(f"{head}: {told or step.unchanged} ({seconds} s)", end="\n")
        self.results.append(
            {
                "step": step.title,
                "seconds": seconds,
                "changed": bool(changes),
                "operations": len(changes),
            }
        )

    def command(self, head: str, step: Step, started: float) -> list[str]:
        process = subprocess.Popen(
            step.argv,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        lines: list[str] = []
        said = started
        with self.log.open("a") as log, selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            rest = b""
            while True:
                if selector.select(TICK):
                    chunk = os.read(process.stdout.fileno(), 65536)
                    *whole, rest = (rest + chunk).split(b"\n")
                    if not chunk and rest:
                        whole, rest = [rest], b""
                    for raw in whole:
                        lines.append(raw.decode(errors="replace").rstrip())
                        log.write(f"{lines[-1]}\n")
                    log.flush()
                    if not chunk:
                        break
                now = time.monotonic()
                if self.tty or now - said >= PLAIN_EVERY:
                    said = now
                    doing = next((x for x in reversed(lines) if x and not x.startswith("{")), "")
                    self.line(f"{head}: {now - started:.0f} s{'  ' + doing if doing else ''}")
        if process.wait():
            self.line(f"{head}: failed", end="\n")
            raise StepFailed(step.title, failure_lines(lines), step.remedy)
        return lines

    def line(self, text: str, end: str = "") -> None:
        """A line that the next one overwrites on a terminal, or a plain one elsewhere."""
        if self.tty:
            width = os.get_terminal_size().columns
            print(f"\r\x1b[K{text if end else text[: width - 1]}", end=end, flush=True)
        else:
            print(text, flush=True)


def changes_of(lines: list[str]) -> list[str]:
    """Names of the operations that changed something, from converge's last line."""
    operations = result_of(lines)["operations"]
    return [o["name"].rpartition(" | ")[2] for o in operations if o["changed"]]


def result_of(lines: list[str]) -> dict[str, Any]:
    """Converge's own line of JSON; what the interpreter says while it ends may come after it."""
    told = next(line for line in reversed(lines) if line.startswith('{"changed"'))
    result: dict[str, Any] = json.loads(told)
    return result


def failure_lines(lines: list[str]) -> list[str]:
    """What a person should see: converge's error in words, or the last lines."""
    try:
        error = result_of(lines)["error"]
    except (StopIteration, ValueError, KeyError):
        return lines[-12:]
    return str(error).splitlines()[-12:]
