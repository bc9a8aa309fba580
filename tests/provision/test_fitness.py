"""Hosts that are refused, with the reason and what to do, before anything is changed."""

from __future__ import annotations

import pytest
from apart import call

FIT = {
    "system": ["debian"], "version": ["12"], "machine": ["x86_64"], "user": ["0"],
    "init": ["systemd"], "kilobytes": ["2000000"], "disk": ["50000000000"], "python": ["3.11"],
    "addresses": ["203.0.113.5"], "ours": ["inactive"],
    "port": ['0.0.0.0:22 users:(("sshd",pid=1,fd=3))'],
}  # fmt: skip


def refusals(names: dict[str, list[str]] | None = None, **changed: list[str]) -> list[list[str]]:
    # A set is no JSON; membership and order are all that is asked of it.
    return list(
        call("provision.fitness", "refusals", {**FIT, **changed}, [22, 80, 443], names or {}, ["203.0.113.5"])
    )  # fmt: skip


def test_a_fit_host_is_not_refused() -> None:
    assert refusals({"shop.example": ["203.0.113.5"]}) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"system": ["fedora"], "version": ["42"]}, "the host is fedora 42"),
        ({"version": ["11"]}, "the host is debian 11"),
        ({"machine": ["riscv64"]}, "the host's processor is riscv64"),
        ({"user": ["1000"]}, "the login is not root's"),
        ({"init": ["sleep"]}, "process 1 is sleep, not systemd"),
        ({"kilobytes": ["480000"]}, "the host has 468 MB of memory"),
        ({"disk": ["1048576000"]}, "only 1000 MB are free in the host's /var"),
        ({"python": ["3.10"]}, "the host's Python is 3.10"),
        ({"port": ['*:80 users:(("nginx",pid=7,fd=6))']}, "port 80 is taken by nginx"),
        ({"port": ['[::]:443 users:(("caddy",pid=7,fd=6))']}, "port 443 is taken by caddy"),
        ({"port": ['*:80 users:(("traefik",pid=7,fd=6))']}, "port 80 is taken by traefik"),
    ],
)
def test_a_host_that_is_refused(changed: dict[str, list[str]], message: str) -> None:
    ((told, remedy),) = refusals(**changed)
    assert told == message and remedy


def test_our_own_traefik_may_hold_its_port() -> None:
    assert refusals(port=['*:80 users:(("traefik",pid=7,fd=6))'], ours=["active"]) == []


def test_a_port_that_a_service_publishes_is_no_hindrance() -> None:
    ports = call("provision.fitness", "needed", 22, 80, 0)
    assert ports == [22, 80, 443]
    published = {**FIT, "port": ['0.0.0.0:5432 users:(("docker-proxy",pid=7,fd=4))']}
    assert call("provision.fitness", "refusals", published, ports, {}, ["203.0.113.5"]) == []


def test_a_name_that_points_elsewhere_is_refused() -> None:
    ((told, remedy),) = refusals({"shop.example": ["198.51.100.7"]})
    assert told == "shop.example points to 198.51.100.7, not to this host"
    assert remedy == "set its address record to one of 203.0.113.5"


def test_a_role_that_was_forgotten_is_no_change_of_roles() -> None:
    def another(role: str, **found: list[str]) -> list[list[str]]:
        return list(call("provision.fitness", "another_role", found, role))

    assert another("node", node=["yes"]) == another("host", portal=["yes"]) == another("host") == []
    assert another("host", node=["yes"], portal=[""])[0][0] == "it is a node"
    assert another("node", portal=["yes"])[0][0] == "it has a portal of its own"


def test_every_reason_is_found_at_once() -> None:
    assert len(refusals(machine=["sparc"], user=["5"], kilobytes=["1"])) == 3
