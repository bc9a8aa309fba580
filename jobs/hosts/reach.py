"""The engine and the Traefik of the machine that a project is placed on: this one, where its host is
None, or another one through its tunnel."""

from __future__ import annotations

import docker
from cryptography.fernet import Fernet

from jobs.hosts import tunnel
from jobs.hosts.address import parse
from jobs.hosts.way import Way
from jobs.hosts.words import Away
from jobs.models import Host
from jobs.node import ENGINE
from jobs.settings import Settings
from stacks.docker.images.engine import connect
from stacks.errors import PortwrightError
from stacks.traffic import Traefik


def is_remote(host: Host | None) -> bool:
    return host is not None and host.address is not None


def way_of(settings: Settings, host: Host) -> Way:
    """Raises PortwrightError where its key was not confirmed yet."""
    if not (host.address and host.sealed and host.known_hosts):
        raise PortwrightError(
            f"nobody has confirmed the key that {host.name} shows",
            remedy=f"portwright hosts confirm {host.name}",
            path="host",
        )
    key = Fernet(settings.key("vault-key")).decrypt(host.sealed).decode()
    return Way(
        settings.home, host.name, parse(host.address), key, host.known_hosts, host.traefik_port
    )


def open_to(settings: Settings, host: Host | None) -> None:
    """The way to it is open; raises PortwrightError with what is wrong, within a minute."""
    if host is not None and is_remote(host):
        tunnel.ensure(way_of(settings, host))


def address_of(settings: Settings, host: Host | None) -> str:
    """Its engine's address, whether the way is open or not; empty of this machine's."""
    return way_of(settings, host).engine if host is not None and is_remote(host) else ""


def connect_to(settings: Settings, host: Host | None) -> docker.DockerClient:
    """A client of its engine. Raises PortwrightError."""
    if host is None or not is_remote(host):
        return connect()
    way = tunnel.ensure(way_of(settings, host))
    try:
        return connect(way.engine)
    except PortwrightError:
        if not tunnel.is_open(way):  # it was dead, and nobody knew yet
            return connect(tunnel.ensure(way).engine)
    raise Away(
        f"host {host.name}: SSH works, but no Docker engine answers at {ENGINE}",
        remedy=f"see there that Docker runs (systemctl status docker), that {way.address.user} "
        "may use its socket, and that sshd lets it be forwarded (AllowStreamLocalForwarding)",
        path="host",
    )


def traefik_of(settings: Settings, host: Host | None) -> Traefik:
    if host is None or not is_remote(host):
        return Traefik(settings.traefik_port)
    return Traefik(way_of(settings, host).traefik)
