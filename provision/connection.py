"""The SSH connection to a host: whose key it shows, and how soon a dead one is noticed. Imports pyinfra."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from paramiko import HostKeys, PKey, SSHException, Transport
from paramiko.hostkeys import HostKeyEntry
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError

from jobs.ssh import alias
from provision.inventory import Found
from provision.target import FINGERPRINT, Target
from stacks.errors import PortwrightError

PATIENCE = 10.0
# A network that went away is noticed so soon; tcp(7), TCP_USER_TIMEOUT, in milliseconds.
SILENCE = 60_000


def connect(found: Found, before: State | None = None) -> State:
    """A state with its one host connected, by the connection of `before` where that has one.

    Raises PortwrightError where that can't be.
    """
    if before is not None and client_of(before) is not None:
        return taken_along(found, before)
    if found.fingerprint:
        require(found.target, found.fingerprint)
    state = unconnected(found)
    try:
        connect_all(state)
    except PyinfraError:
        raise unreachable(found.target) from None
    client = client_of(state)
    if client is not None:
        transport = client.get_transport()
        transport.set_keepalive(15)
        if isinstance(transport.sock, socket.socket):  # none where ~/.ssh/config names a proxy
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)
    return state


def client_of(state: State) -> Any:
    """The SSH client of its host; None for this machine."""
    (host,) = state.inventory
    return getattr(host.connector, "client", None)


def lost(state: State) -> bool:
    """Whether there was a connection and it has ended."""
    client = client_of(state)
    transport = client.get_transport() if client else None
    return transport is not None and not transport.is_active()


def taken_along(found: Found, before: State) -> State:
    """A new state: pyinfra applies one only once. The firewall counts new connections.

    The connector is the same, for it keeps a channel for files: sshd allows ten (MaxSessions).
    """
    state = unconnected(found)
    (host,), (earlier,) = state.inventory, before.inventory
    host.connector, host.connected = earlier.connector, True
    host.connector.state, host.connector.host = state, host
    state.activate_host(host)
    return state


def unconnected(found: Found) -> State:
    hosts = ([(found.target.host, found.target.connection)], found.data)
    return State(inventory=Inventory(hosts), config=Config())


def unreachable(target: Target) -> PortwrightError:
    return PortwrightError(
        f"no login at {target}",
        remedy=f"see that `{target.ssh}` works without a password, or give --key",
        path="host",
    )


def shown(target: Target) -> PKey:
    """The host's key. Raises PortwrightError."""
    try:
        with socket.create_connection((target.host, target.port), PATIENCE) as link:
            transport = Transport(link)
            try:
                transport.start_client(timeout=PATIENCE)
                return transport.get_remote_server_key()
            finally:
                transport.close()
    except (OSError, SSHException, EOFError):
        raise unreachable(target) from None


def require(target: Target, wanted: str) -> None:
    """The login that follows takes the key with this fingerprint and no other.

    Raises PortwrightError where the host shows another key, before anything logs in.
    """
    if not FINGERPRINT.fullmatch(wanted):
        raise PortwrightError(
            f"{wanted!r} is no fingerprint",
            remedy="give what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints there: SHA256:...",
            path="fingerprint",
        )
    key = shown(target)
    if key.fingerprint != wanted:
        raise PortwrightError(
            f"{target} shows the key {key.fingerprint} ({key.get_name()}), not {wanted}",
            remedy="ask the provider for the right one of that kind; somebody may be in between",
            path="fingerprint",
        )
    remember(target, key)


def remember(target: Target, key: PKey) -> None:
    """Where the host is not known yet: an unknown key would be accepted at the login, whosever it is."""
    path = Path(target.known_hosts).expanduser()
    name = alias(target.host, target.port)
    known = HostKeys(str(path) if path.exists() else None)
    if not known.lookup(name):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(HostKeyEntry([name], key).to_line())
