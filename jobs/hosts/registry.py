"""The hosts that there are: added, confirmed, labelled, drained, removed. Each commits, and is in
the audit trail; who may do it is the portal's to say."""

from __future__ import annotations

import re

from cryptography.fernet import Fernet
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from jobs.hosts import tunnel
from jobs.hosts.address import parse, remote
from jobs.models import Environment, Host, Project, Run, Schedule, now
from jobs.records import record
from jobs.settings import Settings
from jobs.source import generate_key
from jobs.states import FINAL
from stacks.errors import PortwrightError

LOCAL = "local"
NAME = re.compile(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?")


def all_hosts(session: Session) -> list[Host]:
    """This machine first, then by name; its row is made here where it was never needed."""
    found = session.scalars(select(Host).where(Host.address.is_not(None)).order_by(Host.name))
    return [local(session), *found]


def remote_hosts(session: Session) -> list[Host]:
    """Those whose key was confirmed, by name."""
    query = select(Host).where(Host.address.is_not(None), Host.known_hosts.is_not(None))
    return list(session.scalars(query.order_by(Host.name)))


def local(session: Session) -> Host:
    """This machine's row; the caller commits where it was not there yet."""
    found = session.scalar(select(Host).where(Host.name == LOCAL))
    if found is None:
        found = Host(name=LOCAL, labels={}, facts={})
        session.add(found)
        session.flush()
    return found


def named(session: Session, name: str) -> Host:
    """Raises PortwrightError where there is none."""
    if name == LOCAL:
        return local(session)
    found = session.scalar(select(Host).where(Host.name == name))
    if found is None:
        known = ", ".join(each.name for each in all_hosts(session))
        raise PortwrightError(
            f"there is no host {name[:40]!r}", remedy=f"choose from {known}", path="host"
        )
    return found


def add(
    session: Session,
    settings: Settings,
    name: str,
    address: str,
    *,
    by: str,
    http_port: int = 80,
    traefik_port: int = 8701,
) -> Host:
    """A host with a key of its own. Nothing connects to it before its own key is confirmed."""
    if not NAME.fullmatch(name) or name == LOCAL:
        raise PortwrightError(
            f"{name[:40]!r} is no name for a host",
            remedy="use 1 to 24 of a-z, 0-9 and '-', a letter first; local is this machine's",
            path="name",
        )
    where = str(parse(address))
    if session.scalar(select(Host.id).where(Host.name == name)):
        raise PortwrightError(
            f"a host {name!r} is there already", remedy="choose another name", path="name"
        )
    for path, port in (("http_port", http_port), ("traefik_port", traefik_port)):
        if not 0 < port < 65536:
            raise PortwrightError(f"{port} is no port", remedy="give 1 to 65535", path=path)
    private, public = generate_key()
    host = Host(
        name=name, address=where, labels={}, facts={}, public_key=f"{public}-{name}",
        sealed=Fernet(settings.key("vault-key")).encrypt(private.encode()),
        http_port=http_port, traefik_port=traefik_port,
    )  # fmt: skip
    session.add(host)
    record(session, by, "host.added", None, host=name, address=where)
    session.commit()
    return host


def drain(session: Session, host: Host, *, by: str) -> None:
    """Nothing new is placed there any more; what is there stays, and can be deployed on."""
    host.drained_at = host.drained_at or now()
    record(session, by, "host.drained", None, host=host.name)
    session.commit()


def undrain(session: Session, host: Host, *, by: str) -> None:
    host.drained_at = None
    record(session, by, "host.undrained", None, host=host.name)
    session.commit()


def remove(session: Session, settings: Settings, host: Host, *, by: str) -> None:
    """Forget it and its key. Raises PortwrightError while projects are placed there."""
    remote(host)
    there = [project.name for project in placed(session, host)]
    if there:
        raise PortwrightError(
            f"{len(there)} projects are placed on {host.name}: {', '.join(there[:5])}",
            remedy="move or delete them first: portwright projects place NAME --host HOST",
            path="host",
        )
    for gone in session.scalars(select(Project).where(Project.host_id == host.id)):
        gone.host = None  # deleted ones, whose rows stay
    record(session, by, "host.removed", None, host=host.name)
    name = host.name
    session.execute(delete(Schedule).where(Schedule.name.endswith(f"@{name}", autoescape=True)))
    session.delete(host)
    session.commit()
    tunnel.close(settings.home, name)


def placed(session: Session, host: Host) -> list[Project]:
    """The projects that are placed there, by name; one that is being deleted too."""
    at = Project.host_id.is_(None) if host.address is None else Project.host_id == host.id
    query = select(Project).where(at, Project.name.not_like("%~%")).order_by(Project.name)
    return list(session.scalars(query))


def at_work(session: Session, host: Host) -> int:
    """How many Runs of its projects wait or are under way."""
    ids = [project.id for project in placed(session, host)]
    query = select(func.count()).select_from(Run).join(Environment)
    return (
        session.scalar(query.where(Environment.project_id.in_(ids), Run.state.not_in(FINAL))) or 0
    )
