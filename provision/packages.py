"""Debian packages, without starting the services they bring: we say what runs.

A policy that is on the machine already (container images of Debian have one) is left as it is.
Ours is marked, so that one that a kill left behind is known and taken away.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, operation
from pyinfra.facts.deb import DebPackages
from pyinfra.operations import apt

POLICY = Path("/usr/sbin/policy-rc.d")
TEXT = "#!/bin/sh\n# Portwright's, while it installs packages.\nexit 101\n"
# A new server's own first upgrade may hold the lock.
WAIT = "-o DPkg::Lock::Timeout=300"


@operation()
def installed(names: list[str]) -> Generator[Any, None, None]:
    """The packages are there; the lists are only fetched when one is missing."""
    yield FunctionCommand(hold_services, [], {})
    yield from apt.packages._inner(
        packages=names, update=True, no_recommends=True, extra_install_args=WAIT
    )
    yield FunctionCommand(release_services, [], {})


def packages(names: list[str]) -> None:
    present = host.get_fact(DebPackages)
    missing = [name for name in names if name not in present]
    if missing:
        installed(name=f"packages {', '.join(missing)}", names=missing)
    else:
        apt.packages(name=f"packages {', '.join(names)}", packages=names)


def hold_services(policy: Path = POLICY) -> None:
    if not policy.exists():
        policy.write_text(TEXT)
        policy.chmod(0o755)


def release_services(policy: Path = POLICY) -> None:
    """Take our policy away, and no other."""
    if policy.exists() and policy.read_text(errors="replace") == TEXT:
        policy.unlink()
