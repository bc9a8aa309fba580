"""What is wrong with an inspected container, in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.watch import UNSTEADY, beyond_hope
from stacks.world import ailment


def attrs(restarts: int = 0, policy: str = "unless-stopped", **state: Any) -> dict[str, Any]:
    return {
        "RestartCount": restarts,
        "State": {"Status": "running", "ExitCode": 0, **state},
        "HostConfig": {"RestartPolicy": {"Name": policy}},
    }


ILL = {"Status": "unhealthy", "Log": [{"Output": "first"}, {"Output": "curl: (7)\nno route\n"}]}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (attrs(), ""),
        (attrs(Health={"Status": "healthy"}), ""),
        (attrs(Health={"Status": "none"}), ""),
        (attrs(OOMKilled=True, Status="exited", ExitCode=137), "ran out of memory"),
        (attrs(Status="exited", ExitCode=3), "exit code 3"),
        (attrs(restarts=4), "was restarted 4 times"),
        (attrs(Health=ILL), "never became healthy; its last check said: no route"),
        (attrs(Health={"Status": "starting"}), "never became healthy"),
        (attrs(policy="no", Status="exited"), ""),
        (attrs(policy="", Status="exited"), ""),
        (attrs(policy="no", Status="exited", ExitCode=1), "exit code 1"),
        (attrs(policy="always", Status="exited"), "exit code 0"),
    ],
)  # fmt: skip
def test_ailments(found: dict[str, Any], words: str) -> None:
    said = ailment(found)
    assert words in said and bool(said) is bool(words)


@pytest.mark.parametrize(
    ("found", "hopeless"),
    [(attrs(), False), (attrs(restarts=2), False), (attrs(restarts=3), True), (attrs(Health=ILL), True)],
)  # fmt: skip
def test_beyond_hope(found: dict[str, Any], hopeless: bool) -> None:
    assert beyond_hope(found) is hopeless


@pytest.mark.parametrize(
    ("listed", "inspected"),
    [
        ("running Up 2 seconds", False), ("running Up 2 seconds (healthy)", False),
        ("running Up 3 seconds (health: starting)", False), ("created Created", False),
        ("restarting Restarting (1) 2 seconds ago", True), ("running Up 9 seconds (unhealthy)", True),
        ("exited Exited (0) 3 seconds ago", True),
    ],
)  # fmt: skip
def test_what_is_looked_at_closely(listed: str, inspected: bool) -> None:
    assert bool(UNSTEADY.search(listed)) is inspected
