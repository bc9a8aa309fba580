"""Builds connect to public addresses only, and to those that the host's owner permits."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from attack_ground import BASE, Ground, Place
from attack_listener import CONTENT, Listener, listening

from stacks.errors import PortwrightError
from tools.library.registry import bridge_address

PYTHON = "portwright/python:3.13"
PACKETS = Path(__file__).with_name("attack_packets.py")
METADATA = "169.254.169.254"


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


@pytest.fixture
def bridge(ground: Ground, listener: Listener) -> str:
    """The host's address on Docker's bridge, at which the listener answers."""
    listener.clear()
    return bridge_address(ground.client)


@pytest.fixture(scope="module")
def permitted(ground: Ground) -> Iterator[str]:
    """Another address of the host: the gateway of a network."""
    label = {"portwright.instance": ground.settings.instance}
    network = ground.client.networks.create(f"{ground.settings.instance}-permitted", labels=label)
    try:
        network.reload()
        yield str(network.attrs["IPAM"]["Config"][0]["Gateway"])
    finally:
        network.remove()


SOURCES = (
    "ADD http://{host}:{port}/direct /out",
    "ADD https://{host}:{port}/direct /out",
    "ADD http://{host}:{port}/direct.git /out",
    "ADD git://{host}:{port}/direct.git /out",
    "ADD ssh://git@{host}:{port}/direct.git /out",
    "COPY --from={host}:{port}/acme/app:1 / /out",
)


@pytest.mark.parametrize("instruction", SOURCES)
def test_no_instruction_fetches_from_the_host(
    mallory: Place, listener: Listener, bridge: str, instruction: str
) -> None:
    text = instruction.format(host=bridge, port=listener.port)
    with pytest.raises(PortwrightError, match="the build failed"):
        mallory.build(f"FROM {BASE}\n{text}\n")
    assert listener.connections == []


@pytest.mark.parametrize("host", ["host.docker.internal", "[::ffff:{bridge}]", "127.0.0.1"])
def test_no_other_name_of_the_host_helps(
    mallory: Place, listener: Listener, bridge: str, host: str
) -> None:
    host = host.format(bridge=bridge)
    with pytest.raises(PortwrightError, match="the build failed"):
        mallory.build(f"FROM {BASE}\nADD http://{host}:{listener.port}/name /out\n")
    assert listener.connections == []


def test_no_command_of_a_step_connects_to_the_host(
    mallory: Place, listener: Listener, bridge: str
) -> None:
    number = int(ipaddress.ip_address(bridge))
    hosts = (bridge, f"[::ffff:{bridge}]", str(number), hex(number), "host.docker.internal")
    lines = [
        f"RUN wget -T 3 -O- http://{host}:{listener.port}/step >>/out 2>&1 || echo failed >>/out"
        for host in (*hosts, "127.0.0.1", METADATA)
    ]
    said = mallory.build("\n".join([f"FROM {BASE}", *lines])).text()
    assert said.count("failed") == len(lines), said
    assert listener.connections == []


def test_no_kind_of_socket_passes_the_firewall(
    mallory: Place, listener: Listener, bridge: str
) -> None:
    """A packet socket would, if steps had CAP_NET_RAW."""
    text = f"FROM {PYTHON} AS try\nCOPY packets.py /\n"
    for host in (bridge, METADATA):
        text += f"RUN python3 /packets.py {host} {listener.port} >>/out\n"
    text += "FROM scratch\nCOPY --from=try /out /out\n"
    said = mallory.build(text, files={"packets.py": PACKETS.read_bytes()}).text().splitlines()
    assert len(said) == 10 and all("failed:" in line for line in said), said
    assert listener.connections == []


def test_a_permitted_address_works_and_its_redirect_to_another_does_not(
    ground: Ground, listener: Listener, bridge: str, permitted: str
) -> None:
    place = ground.place("permitted")
    settings = place.with_settings(allowed_hosts=permitted)
    url = f"http://{permitted}:{listener.port}"
    listener.redirects["/away"] = f"http://{bridge}:{listener.port}/stolen"
    built = place.build(
        f"FROM {BASE}\nADD {url}/fetched /out\nRUN wget -O /step {url}/step\n", settings=settings
    )
    assert built.read("/out") == built.read("/step") == CONTENT
    for line in (f"ADD {url}/away /out", f"RUN wget -T 3 -O /out {url}/away"):
        with pytest.raises(PortwrightError, match="the build failed"):
            place.build(f"FROM {BASE}\n{line}\n", settings=settings)
    assert listener.paths.count("/away") >= 2
    assert "/stolen" not in listener.paths


def test_without_a_network_a_step_has_no_interface_and_images_are_fetched(
    ground: Ground, listener: Listener, permitted: str
) -> None:
    place = ground.place("permitted")
    listener.clear()
    url = f"http://{permitted}:{listener.port}/off"
    text = f"FROM {BASE}\nRUN wget -T 3 -O /x {url} || echo failed >/out\n"
    settings = place.with_settings(allowed_hosts=permitted)
    assert place.build(text, {"network": "none"}, settings=settings).text() == "failed"
    assert listener.connections == []
