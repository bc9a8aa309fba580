"""How a builder is configured."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from forges.addresses import public
from stacks.docker.builds.builder import (
    REFUSED,
    BuilderSettings,
    builder_name,
    configuration,
    environment,
    files,
)
from stacks.names import NAME

SETTINGS = BuilderSettings("pw", "shop", "sha256:1", 1.5, 2048, 5000, 7)
NETWORKS = [ipaddress.ip_network(each) for each in REFUSED]
EDGES = [
    address
    for network in NETWORKS
    for address in (network.network_address, network.broadcast_address)
]


def refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in NETWORKS)


@given(st.ip_addresses() | st.sampled_from(EDGES))
def test_what_the_address_guard_refuses_the_firewall_refuses(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    # Two exceptions that Python counts as global within otherwise special networks may be refused.
    assert refused(address) or public(address)


def test_public_addresses_are_let_through() -> None:
    for each in ("1.1.1.1", "9.9.9.9", "151.101.0.223", "2606:4700::1111", "2a04:4e42::223"):
        assert not refused(ipaddress.ip_address(each)), each


@given(st.from_regex(NAME, fullmatch=True), st.from_regex(NAME, fullmatch=True))
def test_a_builder_has_the_name_of_no_other_projects_container(one: str, other: str) -> None:
    assert builder_name("pw", one) != builder_name("pw", other) or one == other
    assert "." not in one  # what a project's own containers are named after


def test_the_configuration_bounds_the_cache_and_names_registries() -> None:
    wanted = replace(
        SETTINGS,
        mirrors={"docker.io": ("host.docker.internal:5000", "mirror.example.com/hub")},
        plain_http=("host.docker.internal:5000",),
        certificates={"registry.example.com:5000": "PEM"},
    )
    told = tomllib.loads(configuration(wanted))
    policies = told["worker"]["oci"]["gcpolicy"]
    assert policies == [
        {"all": True, "keepDuration": "168h"},
        {"all": True, "maxUsedSpace": "5000MB", "minFreeSpace": "10%"},
    ]
    assert told["registry"]["docker.io"]["mirrors"] == [
        "host.docker.internal:5000",
        "mirror.example.com/hub",
    ]
    assert told["registry"]["host.docker.internal:5000"] == {"http": True}
    (ca,) = told["registry"]["registry.example.com:5000"]["ca"]
    assert files(wanted)[ca.removeprefix("/")] == "PEM"


def test_each_setting_makes_another_builder_and_the_order_does_not() -> None:
    changed = [
        replace(SETTINGS, image="sha256:2"),
        replace(SETTINGS, cpus=2),
        replace(SETTINGS, memory_mb=4096),
        replace(SETTINGS, cache_mb=100),
        replace(SETTINGS, cache_days=1),
        replace(SETTINGS, mirrors={"docker.io": ("a",)}),
        replace(SETTINGS, certificates={"a": "PEM"}),
        replace(SETTINGS, allowed=("10.0.0.0/8",)),
        replace(SETTINGS, host_ports=(5000,)),
    ]
    assert len({each.digest for each in [SETTINGS, *changed]}) == len(changed) + 1
    two = replace(SETTINGS, allowed=("10.0.0.1", "10.0.0.2"))
    assert two.digest == replace(SETTINGS, allowed=("10.0.0.2", "10.0.0.1")).digest
    assert environment(two)["PORTWRIGHT_ALLOWED"] == "10.0.0.1 10.0.0.2"
