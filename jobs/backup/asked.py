"""When backups are taken: asked for by people, or due by time. The looking process asks here
what is to do, and lets a process of its own do it."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta

from docker.errors import DockerException
from requests.exceptions import RequestException
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.backup.make import create
from jobs.backup.pausing import left_standing, wake
from jobs.backup.restic import repository
from jobs.backup.verify import verify
from jobs.database import session_factory
from jobs.models import Event, Schedule, now
from jobs.records import record
from jobs.schedules import take
from jobs.settings import Settings
from stacks.docker.images.engine import connect
from stacks.errors import PortwrightError

BY = "portwright"
ASKED = "backup.asked"
WHAT = ("backup", "backup with volumes", "verification")
BY_TIME = "backup by time"
VERIFY_BY_TIME = "verification by time"
WEEKLY = timedelta(days=7)
AGAIN = timedelta(hours=1)  # after one by time that failed
NICE = 5  # below the workers'
log = logging.getLogger(__name__)


def ask(session: Session, settings: Settings, what: str, *, by: str) -> None:
    """Have it done as soon as a worker looks. what: one of WHAT. Raises PortwrightError where
    no place for backups is set."""
    repository(settings)
    session.merge(Schedule(name=what, last_at=now()))
    record(session, by, ASKED, None, what=what)
    session.commit()


def due(session: Session, settings: Settings) -> list[str]:
    """What is to be done now; it is told once."""
    release_paused(settings)
    if not settings.backup:
        return []
    found = []
    asked = select(Schedule.name).where(Schedule.name.in_(WHAT)).order_by(Schedule.name)
    for name in session.scalars(asked).all():
        gone = session.execute(delete(Schedule).where(Schedule.name == name))
        found += [name] if gone.rowcount else []  # type: ignore[attr-defined]
        session.commit()
    every = timedelta(hours=settings.backup_hours)
    if every:
        if session.get(Schedule, BY_TIME) is None:  # the first one shows whether it works at all
            session.add(Schedule(name=BY_TIME, last_at=now() - every))
            session.commit()
        found += [BY_TIME] if take(session, BY_TIME, every) else []
        found += [VERIFY_BY_TIME] if take(session, VERIFY_BY_TIME, WEEKLY) else []
    return found


def next_due(session: Session, settings: Settings) -> datetime | None:
    """When the next one is taken by time; None where none is."""
    known = session.get(Schedule, BY_TIME)
    if not settings.backup or not settings.backup_hours:
        return None
    return known.last_at + timedelta(hours=settings.backup_hours) if known else now()


def release_paused(settings: Settings) -> None:
    """Containers that a killed backup left standing go on. Those of other hosts: hosts/turns.py."""
    with left_standing(settings) as note:
        if note is None:
            return
        try:
            client = connect()
            try:
                wake(client, note)
            finally:
                client.close()
        except (DockerException, RequestException, PortwrightError) as error:
            log.error(
                "containers that a backup paused could not go on, which is tried again: %s", error
            )


def work(what: str) -> None:
    """In a process of its own: do it, and record how it went."""
    os.nice(NICE)
    settings = Settings.from_environ()
    with session_factory(settings.database_url)() as session:
        by = asker(session, what)
        try:
            if what in ("verification", VERIFY_BY_TIME):
                verify(session, settings, by=by)
            else:
                volumes = what == "backup with volumes"
                volumes |= what == BY_TIME and settings.backup_volumes == "yes"
                made = create(session, settings, by=by, volumes=volumes)
                for lack in made["missing"]:
                    log.error("%s; what to do: %s", lack["message"], lack["remedy"])
        except PortwrightError as error:
            log.error("%s failed: %s; what to do: %s", what, error, error.remedy)
            if what == BY_TIME:
                known = session.get_one(Schedule, BY_TIME)
                known.last_at = now() - timedelta(hours=settings.backup_hours) + AGAIN
                session.commit()


def asker(session: Session, what: str) -> str:
    """Who asked for it last."""
    if what not in WHAT:
        return BY
    query = select(Event).where(Event.action == ASKED).order_by(Event.id.desc()).limit(50)
    return next((each.actor for each in session.scalars(query) if each.detail["what"] == what), BY)
