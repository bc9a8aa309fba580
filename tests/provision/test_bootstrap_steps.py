"""The steps of each action, in their order, and what a plan is made of."""

from __future__ import annotations

import os
import sys

import pytest

from provision.bootstrap import STEPS, steps_of, told
from provision.steps import StepFailed


def test_a_restore_is_a_bootstrap_with_the_backups_parts_at_their_places() -> None:
    assert list(steps_of("restore", STEPS)) == [
        *("fitness", "baseline", "system", "ssh", "firewall", "base", "code", "docker"),
        *("restore_host.fetch", "redis", "postgres", "toolchain", "builder", "traefik"),
        *("restore_host.load", "portal", "restore_host.follow", "metrics"),
    ]
    assert steps_of("apply", STEPS) == steps_of("plan", STEPS) == STEPS
    assert list(steps_of("uninstall", STEPS)) == ["uninstall"]


@pytest.mark.parametrize("end", ["0", "'the cause'"])
def test_what_came_before_it_died_is_no_plan(end: str) -> None:
    line = '{"changed": 0, "operations": [], "error": null}'
    argv = [sys.executable, "-c", f"import sys; print({line!r}); sys.exit({end})"]
    if end == "0":
        assert len(told(argv, dict(os.environ), "changed")) == 1
        return
    with pytest.raises(StepFailed, match="the cause"):
        told(argv, dict(os.environ), "changed")
