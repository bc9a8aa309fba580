"""One VPS for the session: planned, bootstrapped with its connection cut ten times on the way, and again."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from history import CUTS, LATEST, UNCUT, History, cut_at, deploy_sample
from vps import Vps

from provision.bootstrap import STEPS

sys.path.append(str(Path(__file__).parents[1] / "system"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and "system" in item.path.name:
            item.add_marker(pytest.mark.system)


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
