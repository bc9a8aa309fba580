"""Previews that nobody asks for are stopped, and started again by the first who does.

How many requests a preview had is Traefik's own count. Containers are stopped, not removed: the
engine's state, their data and what they log stay as they are.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import docker
from docker.errors import DockerException
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from jobs.models import Preview, Project, now
from jobs.previews.policy import policy_of
from jobs.queries import active_runs, place_of
from jobs.records import record
from jobs.settings import Settings
from stacks.compile import SEPARATOR
from stacks.traffic import Traefik
from stacks.world import containers

BY = "portwright"
COUNT = re.compile(
    r'traefik_service_requests_total\{[^}]*service="([^"@]+)@docker"[^}]*\} ([0-9.e+]+)'
)
log = logging.getLogger(__name__)


def look(session: Session, client: docker.DockerClient, settings: Settings) -> None:
    """Stop what nobody has asked for in its project's time."""
    query = here(select(Preview).where(Preview.state == "open"))
    previews = [each for each in session.scalars(query) if policy_of(each.project).idle_minutes]
    if not previews:
        return
    counts = requests(settings)
    if counts is None:
        return
    for preview in previews:
        if preview.environment.release is None or active_runs(session, preview.environment):
            continue
        place = place_of(settings, preview.environment)
        count = counts[SEPARATOR.join([place.instance, place.project, place.environment])]
        there = containers(client, place)
        runs = any(each.attrs["State"].get("Running") for each in there)
        idle = timedelta(minutes=policy_of(preview.project).idle_minutes)
        if count != preview.requests or (preview.asleep and runs):
            preview.requests, preview.seen_at = count, now()
            preview.asleep = preview.asleep and not runs
        elif not preview.asleep and runs and now() - preview.seen_at > idle:
            preview.asleep, preview.wake_at = True, None
            record(session, BY, "preview.asleep", preview.project.name, number=preview.number)
            session.commit()
            for each in there:
                stop(each)
        session.commit()


def here(query: Select[Any]) -> Select[Any]:
    """Of previews: those on this machine. On others nobody would wake them (docs/hosts.md)."""
    return query.join(Project, Project.id == Preview.project_id).where(Project.host_id.is_(None))


def stop(container: docker.models.containers.Container) -> None:
    try:
        container.stop(timeout=10)
    except DockerException as error:
        log.warning("%s could not be stopped: %s", container.name, error)


def wanted(session: Session) -> bool:
    """Whether somebody asks for one that sleeps."""
    query = here(select(Preview.id).where(Preview.asleep.is_(True), Preview.wake_at.is_not(None)))
    return session.scalar(query.limit(1)) is not None


def wake(session: Session, client: docker.DockerClient, settings: Settings) -> list[int]:
    """Start those that somebody asks for; returns their numbers."""
    woken = []
    query = here(select(Preview).where(Preview.asleep.is_(True), Preview.wake_at.is_not(None)))
    for preview in session.scalars(query).all():
        there = containers(client, place_of(settings, preview.environment))
        for each in reversed(there):  # listed newest first; what a service needs is older
            if "portwright.cron" not in each.labels:
                each.start()
        preview.asleep, preview.wake_at, preview.seen_at = False, None, now()
        record(session, BY, "preview.awake", preview.project.name, number=preview.number)
        session.commit()
        woken.append(preview.number)
    return woken


def requests(settings: Settings) -> Counter[str] | None:
    """instance_project_environment → requests since Traefik started; None where it does not tell."""
    try:
        text = Traefik(settings.traefik_port).metrics()
    except OSError:
        return None
    found: Counter[str] = Counter()
    for service, count in COUNT.findall(text):
        found[SEPARATOR.join(service.split(SEPARATOR)[:3])] += int(float(count))
    return found
