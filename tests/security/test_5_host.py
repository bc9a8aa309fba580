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


def test_the_firewall_holds_for_every_family_of_addresses_that_a_builder_has(
    mallory: Place,
) -> None:
    container = mallory.builder()

    def run(*argv: str) -> str:
        return str(container.exec_run(list(argv)).output.decode())

    assert "-j REJECT" in run("iptables", "-S", "OUTPUT")
    if run("cat", "/proc/net/if_inet6").strip():
        rules = run("ip6tables", "-S", "OUTPUT")
        assert "-d 8000::/1" in rules and "-j REJECT" in rules


def test_a_builder_that_was_never_configured_is_made_again(mallory: Place) -> None:
    """Its worker was killed between creating it and giving it its configuration."""
    container = mallory.builder()
    client, name, labels = container.client, container.name, container.labels
    image, volume = container.attrs["Image"], container.attrs["Mounts"][0]["Name"]
    container.remove(force=True)
    assert client is not None
    client.containers.create(
        image, ["/usr/local/bin/start-buildkitd"], name=name, labels=labels,
        volumes={volume: {"bind": "/var/lib/buildkit", "mode": "rw"}},
    )  # fmt: skip
    made = mallory.builder()
    code, text = made.exec_run(["cat", "/etc/buildkit/buildkitd.toml"])
    assert code == 0 and b"step-runc" in text


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
