"""The keys of a repository's ssh server: shown to a person, who compares and pins them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs.models import Project, Source
from jobs.records import record
from jobs.settings import Settings
from jobs.source import HostKey, scan_host_key
from jobs.source.address import Address, parse
from jobs.source.keys import confirmed, read_keys
from jobs.sources import ensure_source, guard_of
from stacks.errors import PortwrightError


def scanned(settings: Settings, project: Project) -> list[HostKey]:
    """What the server shows now. Raises PortwrightError."""
    address = ssh_address(project)
    return scan_host_key(address.host, address.port, guard_of(settings).resolve)


def pin(
    session: Session, settings: Settings, project: Project, fingerprints: list[str], *, by: str
) -> Source:
    """Trust those of the keys that the server shows now whose fingerprints were compared, and
    none that was pinned before. Raises PortwrightError where it shows another one."""
    address = ssh_address(project)
    keys = confirmed(
        scanned(settings, project), fingerprints, who="the server", path="confirm",
        remedy="scan again, and compare the fingerprints with those that its owner tells",
    )  # fmt: skip
    source = ensure_source(session, project)
    lines = [key.line(address.host, address.port) for key in keys]
    source.known_hosts = "\n".join(lines) + "\n"
    record(session, by, "source.host_key", project.name, fingerprints=fingerprints)
    session.commit()
    return source


def pinned(source: Source | None) -> list[HostKey]:
    return read_keys((source.known_hosts if source else None) or "")


def ssh_address(project: Project) -> Address:
    address = parse(project.repository)
    if address.scheme != "ssh":
        raise PortwrightError(
            "the repository is not read by ssh, and has no host key",
            remedy="nothing is to be done",
            path="repository",
        )
    return address
