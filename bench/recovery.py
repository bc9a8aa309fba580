"""How long a Run takes to its end after its worker was killed, wherever that was in a deploy."""

from __future__ import annotations

import time
from typing import Any

from bench.faults.ground import ground
from bench.faults.points import KILLS
from bench.scratch import say


def measure(faults: int) -> dict[str, Any]:
    """faults: how many, over all points in turn; 0: each once."""
    took: list[float] = []
    lost = 0
    with ground("pwbenchfault", PORTWRIGHT_SAMPLE="no") as field:
        for number in range(faults or len(KILLS)):
            point = KILLS[number % len(KILLS)]
            field.change()
            field.arm(point)
            run = field.project.request("deploy")
            struck = field.wait_struck()
            try:
                ended = field.wait_final(run, 120)
            except AssertionError:
                lost += 1
                continue
            took.append(time.monotonic() - struck)
            lost += ended.state != "succeeded" or field.number_served() != field.number
            say(f"{number + 1}: {point.name}: {took[-1]:.1f} s, {ended.state}")
    took.sort()
    return {
        "faults": len(took),
        "p50_s": quantile(took, 0.5),
        "p95_s": quantile(took, 0.95),
        "max_s": quantile(took, 1.0),
        "lost": lost,
    }


def quantile(ordered: list[float], share: float) -> float:
    """The smallest value that this share of them does not exceed."""
    index = max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)
    return round(ordered[min(index, len(ordered) - 1)], 2)
