"""A step of a build, as root, reaches nothing of the host, of BuildKit or of other projects."""

from __future__ import annotations

from pathlib import Path

import pytest
from attack_ground import BASE, Ground, Place

from stacks.errors import PortwrightError

PYTHON = "portwright/python:3.13"
HERE = Path(__file__).parent
# 2 GB in a process, which a small cap must end.
ALLOCATE = "RUN head -c 2000000000 /dev/zero | tail\n"


def test_a_step_reaches_nothing_of_the_host(mallory: Place) -> None:
    text = (
        f"FROM {PYTHON} AS try\nCOPY host.py /\nRUN python3 /host.py >/out 2>&1\n"
        "FROM scratch\nCOPY --from=try /out /out\n"
    )
    said = mallory.build(text, files={"host.py": (HERE / "attack_host.py").read_bytes()}).text()
    lines = said.splitlines()
    assert len(lines) >= 20 and all("failed:" in line for line in lines), said


def test_a_builder_has_no_more_than_it_needs(ground: Ground, mallory: Place) -> None:
    attributes = mallory.builder().attrs
    host, mounts = attributes["HostConfig"], attributes["Mounts"]
    assert not host["Privileged"]
    assert {each.removeprefix("CAP_") for each in host["CapAdd"]} == {"NET_ADMIN", "SYS_ADMIN"}
    assert [(each["Type"], each["Name"]) for each in mounts] == [
        ("volume", f"{ground.settings.instance}.builder.q-r")
    ]
    assert (host["PidMode"], host["NetworkMode"]) == ("", "bridge")
    assert host["Memory"] == host["MemorySwap"] > 0 and host["NanoCpus"] > 0
    assert not attributes["NetworkSettings"]["Ports"]


def test_a_build_that_needs_more_memory_than_its_cap_ends_alone(
    ground: Ground, alice: Place
) -> None:
    """The builder, its cache and the next build live on."""
    place = ground.place("greedy")
    settings = place.with_settings(build_memory_mb=256)
    place.build(f"FROM {BASE}\nRUN echo kept >/out\n", settings=settings)
    before = place.builder(settings).attrs["State"]["StartedAt"]
    with pytest.raises(PortwrightError, match="the build failed"):
        place.build(f"FROM {BASE}\n{ALLOCATE}", settings=settings)
    assert alice.builder().status == "running"
    after = place.builder(settings)
    assert after.attrs["State"]["StartedAt"] == before
    built = place.build(
        f"FROM {BASE}\nRUN echo kept >/out\n", {"args": {"A": "1"}}, settings=settings
    )
    assert built.text() == "kept"
