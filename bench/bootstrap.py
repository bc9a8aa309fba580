"""How long a bare VPS takes to a Portwright host, beside a bare `apt-get install` of the same packages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.scratch import say
from provision.inventory import FOLDER, names_of
from tests.host.vps import Vps

APT = "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get upgrade -qq --yes && apt-get install -qq --yes --no-install-recommends"


@contextmanager
def fresh(name: str) -> Iterator[Vps]:
    vps = Vps(name)
    try:
        yield vps.start()
    finally:
        vps.destroy()


def measure() -> dict[str, Any]:
    """Seconds of each step, of all, of apt-get alone; operations that a second run changed."""
    with fresh("pwbenchapt") as vps:
        say("apt-get alone, on a VPS of its own")
        started = time.monotonic()
        vps.ssh(f"{{ {APT} {' '.join(packages())}; }} >/dev/null 2>&1")
        apt = time.monotonic() - started
    with fresh("pwbenchhost") as vps:
        report = Path(vps.folder) / "report.json"
        first, second = (applied(vps, report) for _ in range(2))
    return {
        "steps": [{"name": each["step"], "seconds": each["seconds"]} for each in first["steps"]],
        "total_s": first["total_s"],
        "apt_s": round(apt, 1),
        "ratio_vs_apt": round(first["total_s"] / apt, 2),
        "second_run_s": second["total_s"],
        "second_run_changes": second["changes"],
    }


def packages() -> list[str]:
    """What inventory/ names for a host."""
    names = names_of(FOLDER / "group_data/all.py") | names_of(FOLDER / "group_data/host.py")
    # The client is a package of its own on other systems than this one, Debian 12.
    others = ("testing_packages", "library_packages", "docker_client_packages")
    lists = [each for key, each in names.items() if key.endswith("packages") and key not in others]
    return sorted({name for each in lists for name in each} - set(names["time_packages"]))


def applied(vps: Vps, report: Path) -> Any:
    say("bootstrap")
    done = vps.portwright("apply", "--yes", "--report", str(report))
    if done.code:
        raise SystemExit(done.output)
    return json.loads(report.read_text())
