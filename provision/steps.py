"""Running steps one after the other, so that whoever waits sees which, what it does and for how long."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stacks.errors import PortwrightError

PLAIN_EVERY = 10.0
TICK = 0.5
# The beginning of what provision.converge says of a component.
RESULT = '{"changed"'
REMEDY = "what to do: "


class StepFailed(PortwrightError):
    """A step that could not go on: its name, the last lines it printed, what to do.

    What the lines themselves say is to be done comes before `remedy`. log: where all of it is.
    """

    def __init__(self, title: str, lines: list[str], remedy: str, log: Path | None = None) -> None:
        self.title = title
        self.lines = lines
        said = list(lines)
        own = [line for line in said if REMEDY in line]
        if own:
            said.remove(own[-1])
            remedy = f"{own[-1].partition(REMEDY)[2]}; then run it again: it goes on from there"
        said += [f"all it said: {log}"] if log else []
        told = [f"\nIt stopped at this step: {title}", *(f"  {line}" for line in said)]
        super().__init__("\n".join(told), remedy=remedy)


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
class At:
    """The step that is at work. head: `[number/total] title`."""

    title: str
    head: str
    started: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)


@dataclass
class Runner:
    """Runs steps with progress; remembers seconds and changes."""

    env: Mapping[str, str]
    log: Path
    total: int
    tty: bool = field(default_factory=sys.stdout.isatty)
    results: list[dict[str, object]] = field(default_factory=list)
    at: At = field(init=False)

    @property
    def changed(self) -> int:
        return sum(1 for result in self.results if result["changed"])

    def run(self, step: Step) -> None:
        """Run one step; raises StepFailed."""
        at = self.begin(step.title)
        if (
            step.done
            and not subprocess.run(step.done, env=self.env, capture_output=True).returncode
        ):
            self.end(at, [], step.unchanged)
            return
        for line in self.command(step.argv, step.remedy):
            at.lines.append(line)
        told = "provision.converge" in step.argv
        self.end(at, changes_of(at.lines) if told else step.change, step.unchanged)

    def run_all(self, titles: Sequence[str], argv: Sequence[str], remedy: str) -> None:
        """Steps of one command, each of which ends with converge's line of JSON. Raises StepFailed."""
        waiting = list(titles)
        at = self.begin(waiting.pop(0))
        for line in self.command(argv, remedy):
            at.lines.append(line)
            if line.startswith(RESULT) and not result_of(at.lines)["error"]:
                self.end(at, changes_of(at.lines), "already so")
                if waiting:
                    at = self.begin(waiting.pop(0))

    def begin(self, title: str) -> At:
        self.at = At(title, f"[{len(self.results) + 1}/{self.total}] {title}")
        return self.at

    def end(self, at: At, changes: Sequence[str], unchanged: str) -> None:
        seconds = round(time.monotonic() - at.started, 1)
        told = ", ".join(changes[:3]) + (
            f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        )
        self.line(f"{at.head}: {told or unchanged} ({seconds} s)", end="\n")
        self.results.append(
            {
                "step": at.title,
                "seconds": seconds,
                "changed": bool(changes),
                "operations": len(changes),
            }
        )

    def command(self, argv: Sequence[str], remedy: str) -> Iterator[str]:
        """The lines that it prints, kept in the log too.

        Raises StepFailed where it ends with another code than 0.
        """
        process = subprocess.Popen(
            argv,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = time.monotonic()
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
                        line = raw.decode(errors="replace").rstrip()
                        log.write(f"{line}\n")
                        yield line
                    log.flush()
                    if not chunk:
                        break
                at, moment = self.at, time.monotonic()
                if self.tty or moment - max(said, at.started) >= PLAIN_EVERY:
                    said = moment
                    doing = next((x for x in reversed(at.lines) if x and not x.startswith("{")), "")
                    self.line(
                        f"{at.head}: {moment - at.started:.0f} s{'  ' + doing if doing else ''}"
                    )
        if process.wait():
            self.line(f"{self.at.head}: failed", end="\n")
            raise StepFailed(self.at.title, failure_lines(self.at.lines), remedy, self.log)

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
    told = next(line for line in reversed(lines) if line.startswith(RESULT))
    result: dict[str, Any] = json.loads(told)
    return result


def failure_lines(lines: list[str]) -> list[str]:
    """What a person should see: converge's error in words, or the last lines."""
    try:
        error = result_of(lines)["error"]
    except (StopIteration, ValueError, KeyError):
        return lines[-12:]
    return str(error).splitlines()[-12:]
