"""`bench/run NAME [--rounds N]`: measures in alternating rounds; the last line is one JSON object."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.contestants import Compose, Contestant, Ours, RawPulumi, memory_mb
from bench.scratch import Scratch

CHECKOUT = Path(__file__).resolve().parent.parent


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def timed(action: Callable[[], None]) -> float:
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
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portwright-bench-")))
        root.chmod(0o711)
        scratch = Scratch(CHECKOUT, root / "home", "pwbench")
        stack.callback(scratch.purge)
        say("bringing a scratch platform up")
        scratch.quickstart()
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
        "bench": name,
        "seconds": medians["ours"],
        "overhead_s": round(medians["ours"] - medians["pulumi"], 3),
        "ratio_vs_compose": round(medians["ours"] / medians["compose"], 2),
        "ratio_vs_pulumi": round(medians["ours"] / medians["pulumi"], 2),
        "rounds": rounds,
        "compose_version": compose.version,
        "times": times,
        "idle_memory_mb": idle,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(json.dumps(measure(given.name, given.rounds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
