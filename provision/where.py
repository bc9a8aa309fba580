"""Where Portwright's code and Python are on the host that is converged now."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from pyinfra import host

from jobs.settings import Settings
from provision.environment import environment


def managed() -> bool:
    """Whether the host has systemd units and its own copy of the code."""
    return bool(host.data.units)


def is_node() -> bool:
    """Whether another host's portal deploys to it, so that it has none of its own."""
    return managed() and host.data.role == "node"


def module(settings: Settings, *argv: str) -> str:
    """A shell command that runs `python -m ARGV...` of Portwright on the host with the settings."""
    words = " ".join(shlex.quote(word) for word in argv)
    return (
        f"cd {shlex.quote(host.data.code)} && {assignments(environment(settings))} "
        f"PYTHONDONTWRITEBYTECODE=1 {shlex.quote(host.data.python)} -m {words}"
    )


def assignments(env: Mapping[str, str]) -> str:
    return " ".join(f"{key}={shlex.quote(value)}" for key, value in sorted(env.items()))
