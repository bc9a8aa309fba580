"""Debian packages, without starting the services they bring: we say what runs.

A policy that is on the machine already (container images of Debian have one) is left as it is.
Ours is marked, so that one that a kill left behind is known and taken away.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import operation
from pyinfra.facts.deb import DebPackages
from pyinfra.operations import apt

from provision.operations import unless
from provision.where import managed

POLICY = "/usr/sbin/policy-rc.d"
MARK = "# Portwright's, while it installs packages."
APT = "DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-confold"
# A new server's own first upgrade may hold the lock.
WAIT = "-o DPkg::Lock::Timeout=300"
FRESH = 3600


def hold_services(policy: str = POLICY) -> str:
    """A shell command: packages start nothing from now on, unless the machine has its own policy."""
    text = rf"#!/bin/sh\n{MARK.replace(chr(39), '%s')}\nexit 101\n"
    return (
        f"test -e {policy} || {{ printf '{text}' \"'\" >{policy}.new && chmod 755 {policy}.new"
        f" && mv {policy}.new {policy}; }}"
    )


def release_services(policy: str = POLICY) -> str:
    """A shell command: our policy goes, and no other."""
    return f'if grep -qsxF "{MARK}" {policy}; then rm -f {policy}; fi'


def release_here() -> None:
    """On this machine, at the end of whatever happened."""
    subprocess.run(["/bin/sh", "-c", release_services()], check=True)


@operation()
def installed(names: list[str]) -> Generator[Any, None, None]:
    """The packages are there; the lists are only fetched when one is missing."""
    yield hold_services()
    yield from apt.packages._inner(
        packages=names,
        update=True,
        cache_time=FRESH if managed() else None,
        no_recommends=True,
        extra_install_args=WAIT,
    )
    yield release_services()


def packages(names: list[str]) -> None:
    # What a cut connection left behind: of the policy, and of a package half set up.
    unless(f'! grep -qsxF "{MARK}" {POLICY}', release_services(), name="services may start again")
    if managed():
        unless('test -z "$(dpkg --audit)"', SETTLE, name="packages half set up")
    present = host.get_fact(DebPackages)
    missing = [name for name in names if name not in present]
    if missing:
        installed(name=f"packages {', '.join(missing)}", names=missing)
    else:
        apt.packages(name=f"packages {', '.join(names)}", packages=names)


# Another dpkg may still be at it: one that outlived the connection.
SETTLE = "for second in $(seq 300); do dpkg --force-confold --configure -a && exit 0; sleep 1; done; exit 1"
