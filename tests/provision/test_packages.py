"""The policy that holds services back while packages are installed, as the shell commands that they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from apart import CHECKOUT, call


def hold_and_release(policy: Path) -> str:
    """What the policy said in between."""
    hold = call("provision.packages", "hold_services", str(policy))
    release = call("provision.packages", "release_services", str(policy))
    subprocess.run(["/bin/sh", "-c", hold], check=True)
    told = f"{policy.read_text()}{policy.stat().st_mode & 0o777:o}"
    subprocess.run(["/bin/sh", "-c", release], check=True)
    return told


def test_services_are_held_back_only_for_so_long(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    assert hold_and_release(policy) == (
        "#!/bin/sh\n# Portwright's, while it installs packages.\nexit 101\n755"
    )
    assert list(tmp_path.iterdir()) == []


def test_one_that_a_kill_left_behind_goes_too(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\n# Portwright's, while it installs packages.\nexit 101\n")
    hold_and_release(policy)
    assert not policy.exists()


def test_the_machines_own_policy_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    hold_and_release(policy)
    assert policy.read_text() == "#!/bin/sh\nexit 101\n"


FAILED = """
import sys
from provision import converge, target
from provision.connection import connect
from provision.inventory import Found

converge.release_services = lambda: f"touch {sys.argv[1]}"
converge.release_there(connect(Found(target.parse("@local"), True, {}, None)))
"""


def test_a_host_whose_packages_could_not_be_had_starts_services_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILED, str(tmp_path / "released")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "released").exists()
