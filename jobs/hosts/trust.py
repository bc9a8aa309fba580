"""Who is let in where: the line with our key for a host, and the keys that the host itself shows,
which a person compares and pins."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs.hosts import ssh, tunnel
from jobs.hosts.address import parse, remote
from jobs.models import Host
from jobs.records import record
from jobs.settings import Settings
from jobs.source import HostKey, scan_host_key
from jobs.source.keys import confirmed, read_keys

# All that the key may do there: forward sockets, and tell how much room the disk has.
ALLOWED = f'restrict,port-forwarding,command="{ssh.ROOM}"'


def authorized(host: Host) -> str:
    """The line for its authorized_keys, sshd(8)."""
    return f"{ALLOWED} {host.public_key}"


def scanned(host: Host) -> list[HostKey]:
    """The keys that it shows now. Raises PortwrightError."""
    address = parse(remote(host))
    return scan_host_key(address.host, address.port)


def confirm(
    session: Session, settings: Settings, host: Host, fingerprints: list[str], *, by: str
) -> None:
    """Trust those of the keys that it shows now whose fingerprints were compared, and no others."""
    address = parse(remote(host))
    keys = confirmed(
        scanned(host), fingerprints, who=host.name, path="fingerprints",
        remedy="scan again, and compare with what `ssh-keygen -lf "
        "/etc/ssh/ssh_host_ed25519_key.pub` says on the host's console",
    )  # fmt: skip
    lines = [key.line(address.host, address.port) for key in keys]
    host.known_hosts = "\n".join(lines) + "\n"
    record(session, by, "host.confirmed", None, host=host.name, fingerprints=fingerprints)
    session.commit()
    tunnel.close(settings.home, host.name)


def pinned(host: Host) -> list[HostKey]:
    return read_keys(host.known_hosts or "")


def move(session: Session, settings: Settings, host: Host, address: str, *, by: str) -> None:
    """Give it another address. Its keys are confirmed anew: a name is part of what is trusted."""
    remote(host)
    host.address, host.known_hosts = str(parse(address)), None
    record(session, by, "host.moved", None, host=host.name, address=host.address)
    session.commit()
    tunnel.close(settings.home, host.name)
