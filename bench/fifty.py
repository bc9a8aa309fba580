"""Fifty services in one project: plan, first up, no-op and one change, beside raw Pulumi
(YAML; and Python through its Automation API) and Compose."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from typing import Any

from bench.bare import BarePulumi
from bench.compare import timed, toolchain_path
from bench.contestants import Compose, Ours, RawPulumi, memory_mb
from bench.project import ScratchProject
from bench.scratch import Scratch, platform, say

IMAGE = "portwright/python:3.13"


def content(services: int, changed: int = 0) -> dict[str, Any]:
    """Ten of them wait for the first one, as behind a database; each has a variable or two."""
    made: dict[str, Any] = {}
    for index in range(services):
        made[f"s{index:02}"] = {
            "image": IMAGE,
            "command": ["sleep", "infinity"],
            "env": {"INDEX": str(index), "CHANGED": str(changed if index == 7 else 0)},
            "stop_grace": "0s",
            **({"depends_on": ["s00"]} if 0 < index <= 10 else {}),
        }
    return {"services": made}


def measure(services: int, rounds: int) -> dict[str, Any]:
    with ExitStack() as stack:
        scratch = stack.enter_context(platform())
        root = scratch.home.parent
        project = ScratchProject(scratch, root / "fifty", "fifty")
        language = toolchain_path("pulumi-yaml", root / "bin-yaml")
        binary = toolchain_path("compose", root / "bin-compose")
        project.deploy(content(services))
        ours = Ours(scratch, "fifty")
        raw = RawPulumi(scratch, root / "raw", ours, language)
        stack.callback(raw.down)
        bare = BarePulumi(scratch, root / "bare", ours)
        stack.callback(bare.down)
        compose = Compose(scratch, root / "compose", ours, binary)
        stack.callback(compose.down)
        times: dict[str, list[float]] = {}

        def note(name: str, seconds: float) -> None:
            times.setdefault(name, []).append(seconds)
            say(f"{name}: {seconds} s")

        project.run("destroy")
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            project.commit(content(services))
            note("plan", timed(lambda: project.run("plan")))
            note("up", timed(lambda: project.deploy()))
            note("noop", timed(lambda: project.deploy()))
            project.commit(content(services, number))
            note("one_change", timed(lambda: project.deploy()))
            memory = memory_mb(scratch.home)
            project.run("destroy")
            for each in (raw, bare, compose):
                note(f"{each.name}_up", timed(each.up))
                note(f"{each.name}_noop", timed(each.up))
                each.down()
        peak = peak_mb(scratch, project)
    median = {name: round(statistics.median(values), 2) for name, values in times.items()}
    return {
        "plan_s": median["plan"],
        "up_s": median["up"],
        "noop_s": median["noop"],
        "one_change_s": median["one_change"],
        "up_ratio_vs_compose": round(median["up"] / median["compose_up"], 2),
        "noop_ratio_vs_compose": round(median["noop"] / median["compose_noop"], 2),
        "up_ratio_vs_pulumi": round(median["up"] / median["pulumi_up"], 2),
        "noop_ratio_vs_pulumi": round(median["noop"] / median["pulumi_noop"], 2),
        "up_ratio_vs_automation": round(median["up"] / median["automation_up"], 2),
        "noop_ratio_vs_automation": round(median["noop"] / median["automation_noop"], 2),
        "rss_mb": peak,
        "idle_mb": memory["total"],
        "services": services,
        "rounds": rounds,
        "times": times,
    }


def peak_mb(scratch: Scratch, project: ScratchProject) -> float:
    """The most that portal, worker, engine, provider, Traefik and Redis hold in an up, in MB."""
    run = project.request("deploy")
    most = 0.0
    log = ""
    while f"run {run} succeeded" not in log:
        assert f"run {run} failed" not in log, log
        most = max(most, memory_mb(scratch.home)["total"])
        time.sleep(0.2)
        log = project.log(run)
    project.run("destroy")
    return most
