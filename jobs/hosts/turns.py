"""What the worker does for each other host, again and again: keep the way to it open, see whether it
can be used, and what is due there. One process for each, so that nobody waits for a host that is
away."""

from __future__ import annotations

import logging
from datetime import timedelta

from docker.errors import DockerException
from requests.exceptions import RequestException
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import ticks
from jobs.backup.elsewhere import release
from jobs.database import session_factory
from jobs.doorbell import doorbell
from jobs.hosts import certificates, reach, registry
from jobs.hosts.check import check
from jobs.models import Host, now
from jobs.records import record
from jobs.schedules import take
from jobs.settings import Settings
from stacks.errors import PortwrightError

BY = "portwright"
EVERY = timedelta(seconds=15)
CHECK_EVERY = timedelta(minutes=5)
log = logging.getLogger(__name__)


def due(session: Session) -> list[str]:
    """Names of the hosts whose turn it is; told once."""
    names = [host.name for host in registry.remote_hosts(session)]
    return [name for name in names if take(session, f"turn@{name}", EVERY)]


def turn(name: str) -> None:
    """In a process of its own. What is wrong with the host is kept with it."""
    settings = Settings.from_environ()
    with session_factory(settings.database_url)() as session:
        host = session.scalar(select(Host).where(Host.name == name))
        if host is None:
            return
        was = host.problem
        if was or host.checked_at is None or take(session, f"check@{name}", CHECK_EVERY):
            check(session, settings, host)
        if host.problem is None:
            work(session, settings, host)
        if host.problem is None:
            certificates.look(session, settings, host)
        if bool(was) != bool(host.problem):
            told = host.problem or {}
            action = "host.away" if told else "host.back"
            record(session, BY, action, None, host=name, cause=told.get("message"))
            session.commit()


def work(session: Session, settings: Settings, host: Host) -> None:
    try:
        client = reach.connect_to(settings, host)
        try:
            try:
                release(client, settings, host.name)
            except DockerException as error:  # one that can't go on holds up nothing else there
                log.error(
                    "host %s: what a backup paused could not go on: %s; it is tried again",
                    host.name,
                    error,
                )
            ticks.look_at(session, client, settings, doorbell(settings.redis_url), host)
        finally:
            client.close()
    except PortwrightError as error:
        session.rollback()
        host.checked_at, host.problem = now(), {"message": error.message, "remedy": error.remedy}
        session.commit()
    except (DockerException, RequestException) as error:
        session.rollback()
        log.warning("host %s: %s; it is tried again", host.name, error)
