"""What BuildKit reports of a build (`buildctl --progress=rawjson`), as bounded lines for a log."""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Say = Callable[[str], None]
MAX_LINE = 2_000
LAST_LINES = 5
# Of a step: what the log shows before it waits for the step's end, and shows only that.
STEP_LINES = 20_000
TAIL = 8_192
CUT = " [line cut]"
# `[build 1/4] FROM docker.io/library/python:3.13@sha256:…`; without the bracket where COPY --from
# or a mount names the image, and always with a tag here. What a command contains follows its own keyword.
BASE = re.compile(r"(?:\[[^\]]*\] )?FROM (\S+:[^\s:@/]+)@(sha256:[0-9a-f]{64})")
# Control characters but tab, and escape, of which the log keeps what colours need.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Lines:
    """Cut a stream of bytes into lines: of a line that was drawn again, the last state; of one
    that does not end, its beginning."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.rest = ""
        self.skipping = False

    def feed(self, data: bytes) -> None:
        *whole, self.rest = (self.rest + self.decode(data)).split("\n")
        for line in whole:
            self.line(line)
        if len(self.rest) > 4 * MAX_LINE:
            drawn = self.rest.rpartition("\r")[2]
            if len(drawn) > MAX_LINE:
                self.line(drawn)
                self.skipping, drawn = True, ""
            self.rest = drawn

    def end(self) -> None:
        if self.rest:
            self.line(self.rest)
            self.rest = ""

    def line(self, text: str) -> None:
        if self.skipping:
            self.skipping = False
            return
        self.say(printable(text.rstrip("\r").rpartition("\r")[2]))


def printable(text: str) -> str:
    """One bounded line without control characters."""
    text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[: MAX_LINE + 1])
    return text[:MAX_LINE] + CUT if len(text) > MAX_LINE else text


@dataclass
class Step:
    """A vertex of the build's graph.

    shown: lines in the log. tail, skipped: the newest bytes of those that the log does not show,
    and how many they were in all.
    """

    number: int
    name: str
    say: Say
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    announced: bool = False
    done: bool = False
    shown: int = 0
    tail: bytes = b""
    skipped: int = 0

    def __post_init__(self) -> None:
        self.lines = Lines(self.line)

    def line(self, text: str) -> None:
        self.shown += 1
        if COLOUR.sub("", text).strip():  # pip's last line only resets the colour
            self.last.append(text)
        self.say(f"#{self.number} {text}")

    def feed(self, data: bytes) -> None:
        """Show output; what exceeds the bound costs next to nothing, however short its lines."""
        if self.shown < STEP_LINES:
            self.lines.feed(data)
            return
        self.skipped += len(data)
        self.tail = (self.tail + data)[-TAIL:]

    def end(self) -> None:
        self.lines.end()
        if not self.skipped:
            return
        tail = self.tail
        if self.skipped > len(tail):
            tail = tail.partition(b"\n")[2] or tail
            self.line(f"[{self.skipped - len(tail)} bytes of output are not shown]")
        self.tail, self.skipped = b"", 0
        self.lines = Lines(self.line)
        self.lines.feed(tail)
        self.lines.end()


class Progress:
    """Collects what a build reports. say: gets each line for the log."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.steps: dict[str, Step] = {}
        self.bases: dict[str, str] = {}
        self.failed: Step | None = None
        self.messages: deque[str] = deque(maxlen=200)

    def feed(self, line: bytes) -> None:
        """Take one line of the report; anything else is a message of buildctl's own."""
        try:
            report = json.loads(line)
        except ValueError:
            report = None
        if not isinstance(report, dict):
            text = printable(line.decode(errors="replace").rstrip("\n"))
            if text:
                self.messages.append(text)
            return
        for vertex in report.get("vertexes") or ():
            self.vertex(vertex)
        for log in report.get("logs") or ():
            self.log(log)

    def vertex(self, told: dict[str, Any]) -> None:
        name = printable(str(told.get("name", "")))
        step = self.steps.get(told["digest"])
        if step is None:
            step = self.steps[told["digest"]] = Step(len(self.steps) + 1, name, self.say)
        if found := BASE.fullmatch(name):
            self.bases[found[1]] = found[2]
        if told.get("started") and not step.announced and not told.get("cached"):
            self.announce(step)
        if step.done or not told.get("completed"):
            return
        step.end()
        if told.get("error"):
            step.done, self.failed = True, step
            self.say(f"#{step.number} failed")
        elif told.get("cached"):
            step.done = True
            self.say(f"#{step.number} {step.name} (cached)")

    def announce(self, step: Step) -> None:
        step.announced = True
        self.say(f"#{step.number} {step.name}")

    def log(self, told: dict[str, Any]) -> None:
        step = self.steps.get(told.get("vertex", ""))
        if step is not None:
            if not step.announced:
                self.announce(step)
            step.feed(base64.b64decode(told.get("data") or ""))

    def end(self) -> None:
        """Show what has come since: the last output of a step may be reported after its end."""
        for step in self.steps.values():
            step.end()

    @property
    def error(self) -> str:
        """buildctl's own last message, without its prefix."""
        for line in reversed(self.messages):
            if line.startswith("error: "):
                return line.removeprefix("error: ").removeprefix("failed to solve: ")
        return self.messages[-1] if self.messages else ""
