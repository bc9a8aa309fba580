"""The sample deployed by Portwright, by raw `pulumi up` and by Compose, in alternating rounds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.contestants import Compose, Contestant, Ours, RawPulumi, memory_mb
from bench.scratch import platform, say


def timed(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return round(time.monotonic() - started, 3)


def first_deploy(contestants: list[Contestant], rounds: int) -> dict[str, list[float]]:
    """From nothing to healthy; images are there, and what was made is taken down untimed."""
    times: dict[str, list[float]] = {each.name: [] for each in contestants}
    for each in contestants:
        each.down()
    for number in range(rounds):
        for each in contestants:
            times[each.name].append(timed(each.up))
            each.down()
            say(f"round {number + 1} of {rounds}: {each.name} {times[each.name][-1]} s")
    return times


def noop(contestants: list[Contestant], rounds: int) -> dict[str, list[float]]:
    """The same again, where everything is as it should be."""
    times: dict[str, list[float]] = {each.name: [] for each in contestants}
    for each in contestants:
        each.up()
    for number in range(rounds):
        for each in contestants:
            times[each.name].append(timed(each.up))
            say(f"round {number + 1} of {rounds}: {each.name} {times[each.name][-1]} s")
    return times


BENCHES = {"first_deploy": first_deploy, "noop": noop}


def toolchain_path(name: str, into: Path) -> Path:
    """A binary that only the benches need, built where it is missing."""
    say(f"making sure of {name}")
    subprocess.run(
        [sys.executable, "-m", "toolchain", "install", "--into", str(into), name],
        check=True,
        stdout=sys.stderr,
    )
    return next(path for path in into.iterdir() if name.split("-")[0] in path.name)


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Bring a scratch platform up, measure, and leave nothing."""
    with ExitStack() as stack:
        scratch = stack.enter_context(platform())
        root = scratch.home.parent
        idle = memory_mb(scratch.home)
        language = toolchain_path("pulumi-yaml", root / "bin-yaml")
        binary = toolchain_path("compose", root / "bin-compose")
        ours = Ours(scratch)
        raw = RawPulumi(scratch, root / "raw", ours, language)
        stack.callback(raw.down)
        compose = Compose(scratch, root / "compose", ours, binary)
        stack.callback(compose.down)
        times = BENCHES[name]([ours, raw, compose], rounds)
    medians = {key: statistics.median(values) for key, values in times.items()}
    return {
        "seconds": medians["ours"],
        "overhead_s": round(medians["ours"] - medians["pulumi"], 3),
        "ratio_vs_compose": round(medians["ours"] / medians["compose"], 2),
        "ratio_vs_pulumi": round(medians["ours"] / medians["pulumi"], 2),
        "rounds": rounds,
        "compose_version": compose.version,
        "times": times,
        "idle_memory_mb": idle,
    }
