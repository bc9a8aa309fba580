"""A worker that dies, wherever it is in a deploy: the Run ends well, and nothing is left over."""

from __future__ import annotations

import pytest

from bench.faults.ground import Ground
from bench.faults.points import KILLS, OTHERS, Point

NAMED = {point.name: point for point in OTHERS}


@pytest.mark.parametrize("point", KILLS, ids=lambda point: point.name)
def test_a_worker_killed_while(field: Ground, point: Point) -> None:
    """The Run is taken up again by another worker and succeeds, within a minute of the death."""
    field.change()
    field.arm(point)
    run = field.project.request("deploy")
    field.wait_struck()
    ended = field.wait_final(run)
    assert ended.state == "succeeded", (ended.error, field.project.log(run))
    assert field.number_served() == field.number
    field.check_clean(run)
