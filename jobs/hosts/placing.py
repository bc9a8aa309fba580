"""Which host a project is placed on: chosen when it is made, changed only while nothing of it is
deployed, for data does not move by itself."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.hosts import registry
from jobs.models import Environment, Host, Preview, Project, Run
from jobs.records import record
from jobs.states import FINAL
from stacks.errors import PortwrightError


def choose(session: Session, host: str = "", label: str = "") -> Host | None:
    """The host of that name, or the one with that label (KEY=VALUE) that has the fewest projects;
    None for this machine. Raises PortwrightError where there is none that takes new ones."""
    if host and label:
        raise PortwrightError("both a host and a label are given", remedy="give one", path="host")
    if label:
        found: Host = with_label(session, label)
    elif host:
        found = registry.named(session, host)
    else:
        found = registry.local(session)
    refuse_drained(found)
    if found.address is None:
        return None
    if found.known_hosts is None:
        raise PortwrightError(
            f"nobody has confirmed the key that {found.name} shows",
            remedy=f"portwright hosts confirm {found.name}",
            path="host",
        )
    return found


def with_label(session: Session, label: str) -> Host:
    key, equals, value = label.partition("=")
    fitting = [
        each
        for each in registry.all_hosts(session)
        if equals and (each.labels or {}).get(key) == value and each.drained_at is None
    ]
    usable = [each for each in fitting if each.address is None or each.known_hosts]
    if not usable:
        raise PortwrightError(
            f"no host that takes new projects has the label {label[:130]!r}",
            remedy="portwright hosts list shows labels; write KEY=VALUE",
            path="host_label",
        )
    return min(usable, key=lambda each: (len(registry.placed(session, each)), each.name))


def refuse_drained(host: Host) -> None:
    if host.drained_at is not None:
        raise PortwrightError(
            f"host {host.name} is drained: nothing new is placed there",
            remedy=f"choose another host, or portwright hosts undrain {host.name}",
            path="host",
        )


def host_of(session: Session, project: Project) -> Host | None:
    """The row of the host that it is placed on; None: this machine, which never needed one."""
    if project.host is not None:
        return project.host
    return session.scalar(select(Host).where(Host.name == registry.LOCAL))


def why_not_first(session: Session, environment: Environment) -> str:
    """Why nothing may be deployed there that was not yet; empty where it may."""
    host = host_of(session, environment.project)
    if environment.release is not None or host is None or host.drained_at is None:
        return ""
    return f"host {host.name} is drained: nothing new is deployed there"


def check_first(session: Session, environment: Environment) -> None:
    """Raises PortwrightError for the first deploy of an environment on a drained host."""
    reason = why_not_first(session, environment)
    if reason:
        name = environment.project.name
        raise PortwrightError(
            reason,
            remedy=f"portwright projects place {name} --host HOST, where nothing of it is deployed "
            "yet; or have its host undrained",
            path="host",
        )


def place(session: Session, project: Project, host: Host | None, *, by: str) -> None:
    """Place it elsewhere. host: None for this machine. Raises PortwrightError while anything of it
    is deployed, waits or is at work."""
    if host is project.host:
        return
    reason = held_by(session, project)
    if reason:
        raise PortwrightError(
            f"{project.name} can't be placed elsewhere: {reason}",
            remedy=f"portwright destroy {project.name} first, for each environment; its volumes "
            "stay on the old host, and moving them is a matter of backup and restore",
            path="host",
        )
    before = project.host.name if project.host else registry.LOCAL
    project.host = host
    after = host.name if host else registry.LOCAL
    record(session, by, "project.placed", project.name, host=after, before=before)
    session.commit()


def held_by(session: Session, project: Project) -> str:
    """What keeps the project where it is; empty where nothing does."""
    for environment in project.environments:
        if environment.release is not None:
            return f"release {environment.release} serves in {environment.name}"
    ids = [each.id for each in project.environments]
    busy = select(Run).where(Run.environment_id.in_(ids), Run.state.not_in(FINAL))
    run = session.scalar(busy.order_by(Run.id).limit(1))
    if run is not None:
        return f"run {run.id} is {run.state.replace('_', ' ')}"
    opened = select(Preview.id).where(Preview.project_id == project.id, Preview.state == "open")
    if session.scalar(opened.limit(1)) is not None:
        return "previews of it are open"
    return ""
