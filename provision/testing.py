"""`./run-tests`: phases one after the other, each named; a JSON report, and the counts as the last line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass
from pathlib import Path

from provision.steps import Runner, Step, StepFailed

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
REPORT = CHECKOUT / "build" / "test-report.json"
ROOMS = [
    "bench",
    "cli",
    "forges",
    "jobs",
    "portal",
    "provision",
    "stacks",
    "tests",
    "toolchain",
    "zones",
]
NEEDED = [
    ("Packages, folders and keys", "base"),
    ("Docker engine", "docker"),
    ("Browser and registry", "testing_tools"),
    ("Pulumi, docker provider and Traefik", "toolchain"),
]


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


def tests(name: str, *argv: str, env: dict[str, str] | None = None) -> Phase:
    """A pytest run, counted from its own report."""
    started = time.monotonic()
    print(f"\n== {name}", flush=True)
    with tempfile.NamedTemporaryFile(suffix=".xml") as junit:
        command = [sys.executable, "-m", "pytest", "-q", "--junitxml", junit.name, *argv]
        code = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **(env or {})}).returncode
        phase = Phase(name)
        try:
            suites = list(ElementTree.parse(junit.name).getroot().iter("testsuite"))
        except ElementTree.ParseError:
            suites = []
    for suite in suites:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        phase.failed += bad
        phase.skipped += skipped
        phase.passed += int(suite.get("tests", 0)) - bad - skipped
    if code and not phase.failed:
        phase.failed = 1
    phase.seconds = round(time.monotonic() - started, 1)
    return phase


def quick(arguments: list[str]) -> list[Phase]:
    return [
        check("lint", "ruff", "check", *ROOMS),
        check("format", "ruff", "format", "--check", *ROOMS),
        check("types", "mypy", "stacks", "forges", "jobs", "toolchain", "zones"),
        check("direction of imports", "lint-imports"),
        tests("quick tests", "-m", "not system", *arguments),
    ]


def system(arguments: list[str]) -> list[Phase]:
    """Needs Docker and a browser: what is missing is installed; an engine that we start is stopped."""
    with tempfile.TemporaryDirectory(prefix="portwright-tests-") as home:
        env = {**os.environ, "PORTWRIGHT_HOME": home}
        print("\n== what the system tests need", flush=True)
        runner = Runner(env, Path(home) / "prepare.log", len(NEEDED))
        try:
            for title, component in NEEDED:
                converge = [sys.executable, "-m", "provision.converge", component]
                runner.run(Step(title, converge, remedy="correct that, then run ./run-tests again"))
            return [tests("system tests", "-m", "system", *arguments)]
        except StepFailed as failed:
            told = [*failed.lines, f"what to do: {failed.remedy}"]
            print("\n".join(f"  {line}" for line in told))
            return [Phase(failed.title, failed=1)]
        finally:
            subprocess.run([sys.executable, "-m", "provision.daemons", "stop", home, "dockerd"])


def main() -> int:
    mode, *arguments = sys.argv[1:]
    started = time.monotonic()
    phases = quick(arguments)
    if mode == "full" and not any(phase.failed for phase in phases):
        phases += system(arguments)
    passed = sum(phase.passed for phase in phases)
    failed = sum(phase.failed for phase in phases)
    skipped = sum(phase.skipped for phase in phases)
    REPORT.parent.mkdir(exist_ok=True)
    report = {
        "mode": mode,
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "seconds": round(time.monotonic() - started, 1),
        "phases": [asdict(phase) for phase in phases],
    }
    REPORT.write_text(json.dumps(report, indent=1))
    print()
    for phase in phases:
        verdict = "FAILED" if phase.failed else "ok"
        count = f"{phase.passed} passed" if phase.passed else ""
        print(f"{phase.name:<22}{verdict:<8}{phase.seconds:7.1f} s  {count}")
    if skipped:
        print(f"{skipped} tests were skipped: nothing may be skipped here, install what they need")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or skipped or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
