"""How the services that serve are: restarts counted, crash loops and illness told as Events."""

from __future__ import annotations

import re
from collections import defaultdict

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.models import Environment, Health, now
from jobs.records import record
from stacks.rollout import ROLE
from stacks.world import Place, ailment

LOOP = 3
# By the text of a listing: only these are inspected. A restarted one is young for a while.
SUSPECT = re.compile(r"restarting|exited|dead|unhealthy|second", re.I)
BY = "portwright"


def look(
    session: Session, client: docker.DockerClient, place: Place, environment: Environment
) -> None:
    """Bring the environment's rows up to date, and record what became of each service."""
    rows = {
        row.service: row
        for row in session.scalars(select(Health).where(Health.environment_id == environment.id))
    }
    seen: dict[str, list[Container]] = defaultdict(list)
    for each in client.containers.list(
        all=True, filters=place.filters, sparse=True, ignore_removed=True
    ):
        # The library's `labels` reads what a listing does not have.
        labels = each.attrs.get("Labels") or {}
        if ROLE not in labels and "portwright.cron" not in labels:
            seen[labels.get("portwright.service", "")].append(each)
    for service, found in seen.items():
        row = rows.get(service)
        if row is None:
            row = Health(environment_id=environment.id, service=service, restarts=0, told=0)
            session.add(row)
        texts = [f"{each.attrs.get('State')} {each.attrs.get('Status')}" for each in found]
        if row.cause is None and not any(SUSPECT.search(text) for text in texts):
            continue
        update(session, environment, row, inspected(client, found))
    for service in set(rows) - set(seen):
        session.delete(rows[service])
    session.commit()


def inspected(client: docker.DockerClient, found: list[Container]) -> list[Container]:
    whole = []
    for each in found:
        try:
            whole.append(client.containers.get(str(each.id)))
        except NotFound:
            continue
    return whole


def update(
    session: Session, environment: Environment, row: Health, containers: list[Container]
) -> None:
    restarts = sum(int(each.attrs.get("RestartCount") or 0) for each in containers)
    causes = [illness(each) for each in containers]
    cause = next((each for each in causes if each), None)
    row.told = min(row.told, restarts)  # new containers count anew
    row.restarts = restarts
    tell = {"environment": environment.name, "service": row.service, "restarts": restarts}
    project = environment.project.name
    if restarts - row.told >= LOOP:
        row.told = restarts
        record(session, BY, "service.crash_loop", project, **tell, cause=cause)
    elif cause and row.cause is None:
        record(session, BY, "service.ill", project, **tell, cause=cause)
    elif row.cause and cause is None:
        record(session, BY, "service.well", project, **tell)
    if (cause is None) != (row.cause is None):
        row.since = now()
    row.cause = cause[:400] if cause else None


def illness(container: Container) -> str:
    """What is wrong now: one that was restarted and has run since is well again."""
    state = container.attrs["State"]
    health = (state.get("Health") or {}).get("Status")
    if (
        state.get("Running")
        and not state.get("Restarting")
        and health in (None, "none", "healthy", "starting")
    ):
        return ""
    return ailment(container.attrs)
