"""The steps of each action, in their order."""

from __future__ import annotations

from provision.bootstrap import STEPS, steps_of


def test_a_restore_is_a_bootstrap_with_the_backups_parts_at_their_places() -> None:
    assert list(steps_of("restore", STEPS)) == [
        *("fitness", "baseline", "system", "ssh", "firewall", "base", "code", "docker"),
        *("restore_host.fetch", "redis", "postgres", "toolchain", "traefik", "images"),
        *("restore_host.load", "portal", "restore_host.follow", "metrics"),
    ]
    assert steps_of("apply", STEPS) == steps_of("plan", STEPS) == STEPS
    assert list(steps_of("uninstall", STEPS)) == ["uninstall"]
