"""One VPS for the session: planned, bootstrapped with its connection cut ten times on the way, and again."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from vps import Done, Vps

from provision.bootstrap import STEPS

sys.path.append(str(Path(__file__).parents[1] / "system"))

# The connection is cut up to so many seconds after a step has ended: while the next is at it.
CUTS = 10
LATEST = 6.0
# After these nothing takes long enough to be cut for sure.
UNCUT = ("images", "portal", "metrics")
UNKNOWN = Done(-1, "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and "system" in item.path.name:
            item.add_marker(pytest.mark.system)


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


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("vps")
    vps = Vps("pwvpstest", folder)
    try:
        vps.start()
        vps.ssh("apt-get update -qq")
        made = History(vps, before=vps.state())
        made.dry = vps.portwright("plan")
        made.after_dry = vps.state()
        vps.outside(
            "sh", "-c", "python3 -m http.server 80 >/dev/null 2>&1 & echo $! >/run/squatter"
        )
        made.refused = vps.portwright("apply", "--yes")
        vps.outside("sh", "-c", "kill $(cat /run/squatter)")
        made.after_refused = vps.state()
        seed = random.randrange(10**6)
        print(f"cuts are drawn from seed {seed}")
        draw = random.Random(seed)
        names = [name for name in STEPS if name not in UNCUT]
        loaded = False
        for number in sorted(draw.sample(range(len(names)), CUTS)):
            made.cut.append(cut_at(vps, STEPS[names[number]], draw.uniform(0, LATEST)))
            if not loaded and number >= names.index("docker"):
                vps.load("python", "postgres")
                loaded = True
        made.first = vps.portwright("apply", "--yes")
        made.deployed = deploy_sample(vps)
        report = folder / "second.json"
        made.second = vps.portwright("apply", "--yes", "--report", str(report))
        made.second_report = json.loads(report.read_text()) if report.exists() else {}
        yield made
    finally:
        vps.destroy(keep_folder=True)


@pytest.fixture
def vps(history: History) -> Vps:
    """The VPS as a Portwright host, with the sample deployed."""
    assert history.first.code == 0, history.first.output
    return history.vps


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
