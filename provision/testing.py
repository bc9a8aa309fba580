"""`./run-tests`: phases one after the other, each named; a JSON report, and the counts as the last line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from provision.steps import Runner, Step, StepFailed
from provision.testing_lanes import CollectionFailed, interruptible, side_by_side
from provision.testing_phase import BUILD, Phase, check

REPORT = BUILD / "test-report.json"
ROOMS = [
    *("bench", "cli", "forges", "jobs", "portal"),
    *("provision", "stacks", "tests", "toolchain", "tools", "zones"),
]
# A server from nothing to its end, and to its next version: by themselves, for they take as
# long as all others.
HOSTS = (
    "tests/host",
    *(f"tests/hosts_many/test_{each}.py" for each in ("2_node", "3_certificates", "4_end")),
    "tests/backup/test_upgrade.py",
)
LIBRARY = ("busybox", "nginx", "node", "postgres", "python", "redis")
REMEDY = "correct that, then run ./run-tests again"
INTERRUPTED = 130


def converge(title: str, component: str) -> Step:
    return Step(title, [sys.executable, "-m", "provision.converge", component], remedy=REMEDY)


def library(*names: str) -> Step:
    """Serve the tests' images before the groups start, which would each begin with making them."""
    ensure, status = (
        [sys.executable, "-m", "tools.library", action, *names] for action in ("ensure", "status")
    )
    return Step("Images for tests", ensure, status, remedy=REMEDY)


NEEDED = [
    converge("Packages, folders and keys", "base"),
    converge("Docker engine", "docker"),
    converge("Pulumi, docker provider, Traefik and BuildKit", "toolchain"),
    converge("Builder image", "builder"),
    converge("Browser, Gitea and Pebble", "testing_tools"),
    converge("Registry", "library"),
    library(*LIBRARY),
]


def quick(arguments: Sequence[str]) -> list[Phase]:
    return [
        check("lint", "ruff", "check", *ROOMS),
        check("format", "ruff", "format", "--check", *ROOMS),
        check("types", "mypy", "stacks", "forges", "jobs", "toolchain", "tools", "zones"),
        check("direction of imports", "lint-imports"),
        *lanes("quick tests", "not system", arguments, os.environ),
    ]


def lanes(name: str, marker: str, arguments: Sequence[str], env: Mapping[str, str]) -> list[Phase]:
    """Groups of tests side by side: both processors work."""
    print(f"\n== {name}", flush=True)
    try:
        return side_by_side(["-m", marker, *arguments], env)
    except CollectionFailed as failed:
        print(failed)
        return [Phase(name, failed=1)]


def system(arguments: Sequence[str]) -> list[Phase]:
    """Needs Docker and a browser: what is missing is installed; an engine that we start is stopped."""
    with tempfile.TemporaryDirectory(prefix="portwright-tests-") as home:
        env = {**os.environ, "PORTWRIGHT_HOME": home, "PYTHONUNBUFFERED": "1"}
        print("\n== what the system tests need", flush=True)
        runner = Runner(env, Path(home) / "prepare.log", len(NEEDED))
        try:
            for step in NEEDED:
                runner.run(step)
            return lanes("system tests", "system", arguments, os.environ)
        except StepFailed as failed:
            print(f"{failed}\n  what to do: {failed.remedy}")
            return [Phase(failed.title, failed=1)]
        finally:
            for daemon in ("library", "library-bridge", "dockerd"):
                subprocess.run([sys.executable, "-m", "provision.daemons", "stop", home, daemon])


def report(mode: str, phases: Sequence[Phase], seconds: float) -> int:
    """Leave and tell the counts; the exit code, 1 where something failed or was skipped."""
    passed = sum(phase.passed for phase in phases)
    failed = sum(phase.failed for phase in phases)
    skipped = sum(phase.skipped for phase in phases)
    BUILD.mkdir(exist_ok=True)
    content = {
        "mode": mode,
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "seconds": round(seconds, 1),
        "phases": [asdict(phase) for phase in phases],
    }
    REPORT.write_text(json.dumps(content, indent=1))
    print()
    for phase in phases:
        verdict = "FAILED" if phase.failed else "ok"
        count = f"{phase.passed} passed" if phase.passed else ""
        print(f"{phase.name:<30}{verdict:<8}{phase.seconds:7.1f} s  {count}")
    if skipped:
        print(f"{skipped} tests were skipped: nothing may be skipped here, install what they need")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or skipped or not passed else 0


def main() -> int:
    mode, *arguments = sys.argv[1:]
    started = time.monotonic()
    try:
        with interruptible():
            phases = [] if mode == "hosts" else quick(arguments)
            if mode == "hosts":
                phases = system([*HOSTS, *arguments])
            elif mode == "full" and not any(phase.failed for phase in phases):
                phases += system(arguments or [f"--ignore={each}" for each in HOSTS])
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    return report(mode, phases, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
