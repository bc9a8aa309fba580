"""The policy that holds services back while packages are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# pyinfra is imported in a process of its own.
CODE = """
import sys
from pathlib import Path
from provision.packages import hold_services, release_services
policy = Path(sys.argv[1])
hold_services(policy)
print(policy.read_text() if policy.exists() else "", oct(policy.stat().st_mode & 0o777))
release_services(policy)
"""


def hold_and_release(policy: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", CODE, policy],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_services_are_held_back_only_for_so_long(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    told = hold_and_release(policy)
    assert "exit 101" in told and "0o755" in told
    assert not policy.exists()


def test_one_that_a_kill_left_behind_goes_too(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    hold_and_release(policy)
    policy.write_text("#!/bin/sh\n# Portwright's, while it installs packages.\nexit 101\n")
    hold_and_release(policy)
    assert not policy.exists()


def test_the_machines_own_policy_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    hold_and_release(policy)
    assert policy.read_text() == "#!/bin/sh\nexit 101\n"
