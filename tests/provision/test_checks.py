"""What a shell test says, whatever its parts print."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# pyinfra is imported in a process of its own, here too.
CODE = """
import json, subprocess, sys
from provision.operations import Succeeds
told = []
for check in json.loads(sys.argv[1]):
    shell = ["/bin/sh", "-c", Succeeds().command(check)]
    done = subprocess.run(shell, capture_output=True, text=True)
    told.append([done.stderr, Succeeds().process(done.stdout.splitlines())])
print(json.dumps(told))
"""
CHECKS = {
    "true": True,
    "false": False,
    "command -v sh && command -v cat": True,
    "command -v sh || ! echo no": True,
    "command -v none-such || ! echo no": False,
    "! ls /none-such 2>/dev/null | grep -q .": True,
    "(echo a; exit 3)": False,
}


@pytest.fixture(scope="module")
def told() -> dict[str, list[object]]:
    argv = [sys.executable, "-c", CODE, json.dumps(list(CHECKS))]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return dict(zip(CHECKS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("check", CHECKS)
def test_only_its_exit_code_counts(told: dict[str, list[object]], check: str) -> None:
    assert told[check] == ["", CHECKS[check]]
