"""One phase of `./run-tests`: a check, or tests that are counted from pytest's own report."""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BUILD = CHECKOUT / "build"
NONE_SELECTED = 5


@dataclass
class Phase:
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def check(name: str, *argv: str) -> Phase:
    """A command that passes with exit code 0; counts as no test."""
    started = time.monotonic()
    print(f"\n== {name}", flush=True)
    code = subprocess.run([str(BIN / argv[0]), *argv[1:]], cwd=CHECKOUT).returncode
    return Phase(name, failed=int(code != 0), seconds=round(time.monotonic() - started, 1))


def pytest_argv(report: Path, *argv: str) -> list[str]:
    """The command of a pytest run that leaves its counts in `report`."""
    return [sys.executable, "-m", "pytest", "-q", "--junitxml", str(report), *argv]


def counted(name: str, report: Path, code: int, started: float) -> Phase:
    """What a pytest run that ended with `code` has left; `report` is removed."""
    phase = Phase(name)
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (FileNotFoundError, ElementTree.ParseError):
        suites = []
    report.unlink(missing_ok=True)
    for suite in suites:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        phase.failed += bad
        phase.skipped += skipped
        phase.passed += int(suite.get("tests", 0)) - bad - skipped
    if code not in (0, NONE_SELECTED) and not phase.failed:
        phase.failed = 1
    phase.seconds = round(time.monotonic() - started, 1)
    return phase
