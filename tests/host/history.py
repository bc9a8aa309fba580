"""What was done to the VPS of the session, and how."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from vps import Done, Vps

# The connection is cut up to so many seconds after a step has ended: while the next is at it.
CUTS = 10
LATEST = 6.0
# After these nothing takes long enough to be cut for sure.
UNCUT = ("portal", "metrics")
UNKNOWN = Done(-1, "")


@dataclass
class History:
    """What was done to the VPS before the tests, in this order."""

    vps: Vps
    before: list[str] = field(default_factory=list)
    dry: Done = UNKNOWN
    after_dry: list[str] = field(default_factory=list)
    refused: Done = UNKNOWN
    after_refused: list[str] = field(default_factory=list)
    cut: list[tuple[str, float, Done]] = field(default_factory=list)
    first: Done = UNKNOWN
    deployed: str = ""
    second: Done = UNKNOWN
    second_report: dict[str, Any] = field(default_factory=dict)


def cut_at(vps: Vps, step: str, later: float) -> tuple[str, float, Done]:
    """Begin to apply, and cut the connection so many seconds after a step has ended."""
    process = vps.start_portwright("apply", "--yes")
    assert process.stdout is not None
    for line in process.stdout:
        if f"] {step}" in line and line.endswith(" s)\n"):
            break
    time.sleep(later)
    # Between two steps there is no connection to cut.
    while process.poll() is None and not vps.cut():
        time.sleep(0.1)
    output, _ = process.communicate(timeout=300)
    return step, later, Done(process.returncode, output)


def deploy_sample(vps: Vps) -> str:
    """The first app, by the administrator's command on the host."""
    repository = "/var/lib/portwright/git/sample.git"
    return vps.ssh(
        f"set -e; sh /opt/portwright/current/provision/sample-repository {repository};"
        f" portwright-admin register sample {repository} main --generate db_password;"
        " portwright-admin deploy sample --wait"
    )
