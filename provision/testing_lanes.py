"""Groups of system tests side by side: they mostly wait, so two at once take little more than one.

Each group is a pytest process of its own, whose output is kept in build/tests-<group>.log and shown
when it fails. Whichever lane is free takes the next group, the longest first.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provision.testing_phase import BUILD, CHECKOUT, NONE_SELECTED, Phase, counted, pytest_argv
from provision.testing_plugin import GROUP, TOLD

LANES = 2
TICK = 0.5
SAY_EVERY = 30.0
PLUGIN = ("-p", "provision.testing_plugin")
# Those that take longest come first, so that no long one is left for a single lane at the end.
LONGEST = (
    *("tests/host", "tests/system", "tests/faults", "tests/backup/test_upgrade.py"),
    *("tests/backup", "tests/previews", "tests/bench", "tests/faults/test_3_hosts.py"),
)


class CollectionFailed(Exception):
    """pytest can't say which tests there are; the text is what it says instead."""


def groups(argv: Sequence[str], env: Mapping[str, str]) -> dict[str, int]:
    """How many tests of each group these arguments choose. Raises CollectionFailed."""
    told = _fresh("tests-collected.json")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUGIN, *argv, "--collect-only"],
        cwd=CHECKOUT, env={**env, TOLD: str(told)}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, NONE_SELECTED):
        raise CollectionFailed(done.stdout + done.stderr)
    found: dict[str, int] = _last(told)["groups"]
    return found


def in_order(found: Mapping[str, int]) -> list[str]:
    """The long ones first, then those with most tests."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    return sorted(found, key=lambda name: (rank.get(name, len(LONGEST)), -found[name], name))


class Group:
    """A pytest process that runs the tests of one group."""

    def __init__(self, name: str, total: int, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.name, self.total = name, total
        slug = name.replace("/", "-").removesuffix(".py")
        self.log, self.told = _fresh(f"{slug}.log"), _fresh(f"{slug}.json")
        self.report = _fresh(f"{slug}.xml")
        self.started = time.monotonic()
        cache = ("-o", f"cache_dir={BUILD / 'pytest' / slug}")
        command = pytest_argv(self.report, *PLUGIN, *cache, "--durations=15", *argv)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=CHECKOUT, env={**env, GROUP: name, TOLD: str(self.told)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def line(self) -> str:
        told = _last(self.told)
        bad = f", {told['failed']} failed" if told.get("failed") else ""
        seconds = time.monotonic() - self.started
        done = f"{told.get('passed', 0)} of {self.total} passed{bad}"
        return f"{self.name}: {done}, {seconds:.0f} s  {told.get('now', '')}"

    def end(self) -> Phase:
        """What came of the process, which is over; told, with its output where that is not good."""
        phase = counted(self.name, self.report, self.process.returncode, self.started)
        if phase.failed or phase.skipped:
            print(f"\n{self.log.read_text(errors='replace')}")
        told = f"{phase.passed} passed, {phase.failed} failed in {phase.seconds:.0f} s"
        print(f"{self.name}: {told}  ({self.log.relative_to(CHECKOUT)})", flush=True)
        return phase


def side_by_side(argv: Sequence[str], env: Mapping[str, str]) -> list[Phase]:
    """Run the tests that these arguments of pytest choose; a phase for each group.

    When interrupted it lets what runs take down what it has started. Raises CollectionFailed.
    """
    found = groups(argv, env)
    waiting = in_order(found)
    running: list[Group] = []
    phases: list[Phase] = []
    said = time.monotonic()
    with interruptible():
        try:
            while waiting or running:
                while waiting and len(running) < LANES:
                    name = waiting.pop(0)
                    running.append(Group(name, found[name], argv, env))
                time.sleep(TICK)
                over = [group for group in running if group.process.poll() is not None]
                running = [group for group in running if group not in over]
                phases += [group.end() for group in over]
                if time.monotonic() - said >= SAY_EVERY:
                    said = time.monotonic()
                    print("\n".join(group.line() for group in running), flush=True)
        except KeyboardInterrupt:
            _take_down(running)
            raise
    return phases


def _take_down(running: Sequence[Group]) -> None:
    """Once asked, they purge what they have made; asked again, they are killed."""
    print("\nending the tests: what they have made is taken away", flush=True)
    try:
        for group in running:
            group.process.send_signal(signal.SIGINT)
        for group in running:
            group.process.wait()
    except KeyboardInterrupt:
        for group in running:
            if group.process.poll() is None:
                os.killpg(group.process.pid, signal.SIGKILL)
                group.process.wait()


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does, and SIGINT is not ignored, as it is behind a shell's `&`:
    a process hands that down to those it starts."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _fresh(name: str) -> Path:
    BUILD.mkdir(exist_ok=True)
    path = BUILD / name
    path.unlink(missing_ok=True)
    return path


def _last(told: Path) -> dict[str, Any]:
    """The last whole line of a file of JSON lines, {} where there is none yet."""
    lines = told.read_bytes().split(b"\n")[:-1] if told.exists() else []
    return dict(json.loads(lines[-1])) if lines else {}
