"""Whether a host may be converged at all: looked at over SSH, before anything is changed."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterable, Mapping

from pyinfra import host
from pyinfra.api import FactBase, deploy

from jobs.settings import Settings
from provision.preflight import MACHINES, MIN_DISK, MIN_MEMORY
from stacks.errors import PortwrightError

# System -> version -> whether the bootstrap's tests run on it.
SYSTEMS = {
    "debian": {"12": True, "13": False},
    "ubuntu": {"22.04": False, "24.04": False},
}
SCRIPT = r"""
. /etc/os-release
echo "system=$ID"
echo "version=$VERSION_ID"
echo "machine=$(uname -m)"
echo "user=$(id -u)"
echo "init=$(cat /proc/1/comm)"
echo "kilobytes=$(awk '/^MemTotal/ {printf "%d", $2}' /proc/meminfo)"
echo "disk=$(df --output=avail -B1 /var | tail -1)"
echo "python=$(for p in python3.13 python3.12 python3.11 python3; do command -v $p >/dev/null && $p -c 'import sys; print("%d.%d" % sys.version_info[:2])' && break; done)"
echo "addresses=$(hostname -I 2>/dev/null)"
echo "ours=$(systemctl is-active portwright-traefik 2>/dev/null)"
echo "node=$(test -e /etc/portwright/node && echo yes)"
echo "portal=$(test -e /etc/systemd/system/portwright-portal.service && echo yes)"
ss -Hltnp 2>/dev/null | awk '{print "port=" $4 " " $6}'
"""


class Looked(FactBase[dict[str, list[str]]]):
    """key -> its values, in order."""

    def command(self) -> str:
        return SCRIPT

    def process(self, output: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for line in output:
            key, equals, value = line.partition("=")
            if equals:
                found.setdefault(key, []).append(value.strip())
        return found


@deploy("fitness")
def deploy_component(settings: Settings) -> None:
    found = host.get_fact(Looked)
    where = {found_address for found_address in found.get("addresses", [""])[0].split()}
    where |= set(resolved(str(host.data.get("ssh_hostname") or "localhost")))
    names = {name: resolved(name) for name in host.data.domains}
    ports = needed(host.data.ssh_port, settings.http_port, settings.https_port)
    reasons = [*refusals(found, ports, names, where), *another_role(found, str(host.data.role))]
    for message, remedy in reasons:
        raise PortwrightError(message, remedy=remedy)


def needed(ssh: int, http: int, https: int) -> list[int]:
    """Ports that must be ours or free. What `open_tcp` names besides is for services: Docker holds it."""
    return [ssh, http, https or 443]


def another_role(found: Mapping[str, list[str]], role: str) -> Iterable[tuple[str, str]]:
    """A node does not become a host, nor a host a node, because an option was forgotten."""
    if role == "node" and found.get("portal") == ["yes"]:
        yield "it has a portal of its own", "leave --role node out, or uninstall it first"
    if role == "host" and found.get("node") == ["yes"]:
        yield "it is a node", "give --role node, or write the role in inventory/hosts.py"


def refusals(
    found: Mapping[str, list[str]],
    ports: Iterable[int],
    names: Mapping[str, list[str]],
    where: Collection[str],
) -> Iterable[tuple[str, str]]:
    """Each reason not to go on, with what to do.

    ports: those that must be ours or free; names: domain -> its addresses; where: the host's own.
    """

    def one(key: str) -> str:
        return (found.get(key) or [""])[0]

    known = ", ".join(
        f"{name.title()} {version}" for name, each in SYSTEMS.items() for version in each
    )
    if one("version") not in SYSTEMS.get(one("system"), {}):
        told = f"{one('system')} {one('version')}".strip() or "an unknown system"
        yield f"the host is {told}", f"use one of {known}"
    if one("machine") not in MACHINES:
        yield f"the host's processor is {one('machine')}", f"use one of {', '.join(MACHINES)}"
    if one("user") != "0":
        yield "the login is not root's", "log in as root, with a key"
    if one("init") != "systemd":
        yield f"process 1 is {one('init')}, not systemd", "use ./quickstart on the machine itself"
    version = tuple(int(part) for part in one("python").split(".") if part.isdigit())
    if one("python") and version < (3, 11):
        yield (
            f"the host's Python is {one('python')}",
            "install 3.11 or newer beside it (Ubuntu 22.04: apt-get install python3.11 python3.11-venv)",
        )
    if 1024 * int(one("kilobytes") or 0) < MIN_MEMORY:
        yield (
            f"the host has {int(one('kilobytes') or 0) // 1024} MB of memory",
            "give it 1 GB or more",
        )
    if int(one("disk") or 0) < MIN_DISK:
        yield (
            f"only {int(one('disk') or 0) // 1024**2} MB are free in the host's /var",
            f"free at least {MIN_DISK // 1024**3} GB",
        )
    yield from taken(found, ports)
    for name, addresses in names.items():
        if not set(addresses) & set(where):
            told = ", ".join(addresses) or "nowhere"
            yield (
                f"{name} points to {told}, not to this host",
                f"set its address record to one of {', '.join(sorted(filter(public, where)) or sorted(where))}",
            )


def taken(found: Mapping[str, list[str]], ports: Iterable[int]) -> Iterable[tuple[str, str]]:
    ours = ("sshd", "systemd") + (
        ("traefik",) if (found.get("ours") or [""])[0] == "active" else ()
    )
    for line in found.get("port", []):
        address, _, users = line.partition(" ")
        number = address.rpartition(":")[2]
        if number.isdigit() and int(number) in set(ports):
            who = users.split('"')[1] if '"' in users else "something"
            if who not in ours:
                yield (
                    f"port {number} is taken by {who}",
                    f"stop {who}, and keep it from starting at boot",
                )


def resolved(name: str) -> list[str]:
    try:
        return sorted({str(each[4][0]) for each in socket.getaddrinfo(name, None)})
    except OSError:
        return []


def public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
