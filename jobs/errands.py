"""What goes over the network, or takes long, beside the Runs: telling forges, asking them, putting
previews to sleep, their DNS. In a process of its own, so that nobody waits for a forge that is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.client import Client
from jobs import polling
from jobs.database import session_factory
from jobs.doorbell import doorbell
from jobs.feedback import comments, statuses
from jobs.models import Preview, Source, now
from jobs.previews import commits, records, sleep
from jobs.schedules import is_due, take
from jobs.settings import Settings
from jobs.sources import client_of
from stacks.docker.images.engine import connect
from stacks.errors import PortwrightError

# After a failure the forge is left alone for a while.
PAUSE = timedelta(seconds=30)
SLEEP, SLEEP_EVERY = "previews.sleep", timedelta(seconds=20)
log = logging.getLogger(__name__)


def due(session: Session, settings: Settings) -> bool:
    """Whether there is anything to do now: looked at every few seconds, so it asks no network."""
    if polling.due(session):
        return True
    if records.due(session, settings):
        return True
    opened = select(Preview.id).where(Preview.state == "open").limit(1)
    if is_due(session, SLEEP, SLEEP_EVERY) and session.scalar(opened) is not None:
        return True
    return any(
        statuses.untold(session, source)
        or comments.uncommented(session, settings, source)
        or commits.untold(session, source)
        for source in told_sources(session)
    )


def told_sources(session: Session) -> list[Source]:
    """Those with credentials for an API, and that are not left alone now."""
    query = select(Source).where(Source.sealed.is_not(None), Source.forge != "generic")
    return [
        source
        for source in session.scalars(query)
        if source.project.deleted_at is None
        and (source.quiet_until is None or source.quiet_until <= now())
    ]


def run(settings: Settings) -> None:
    """Do all that is due, once. Never raises; a problem with a forge is kept with its source."""
    sessions = session_factory(settings.database_url)
    ring = doorbell(settings.redis_url)
    with sessions() as session:
        for source in told_sources(session):
            try:
                client = client_of(settings, source)
                if client is not None:
                    tell(session, settings, source, client)
            except Exception as error:
                keep(session, source, error)
        if records.due(session, settings):
            careful(session, lambda: records.look(session, settings))
        for source_id in polling.due(session):
            polling.poll(session, ring, settings, session.get_one(Source, source_id))
        if take(session, SLEEP, SLEEP_EVERY):
            careful(session, lambda: put_to_sleep(session, settings))


def tell(session: Session, settings: Settings, source: Source, client: Client) -> None:
    statuses.tell(session, settings, source, client)
    comments.tell(session, settings, source, client)
    commits.ask(session, settings, source, client)
    if source.quiet_until is not None:
        source.quiet_until = source.problem = None
        session.commit()


def keep(session: Session, source: Source, error: Exception) -> None:
    session.rollback()
    known = error if isinstance(error, PortwrightError) else None
    if known is None:
        log.exception("the forge of %s could not be told", source.project.name)
    wait = timedelta(seconds=getattr(error, "seconds", PAUSE.total_seconds()))
    source.quiet_until = now() + wait
    message = known.message if known else f"{type(error).__name__} at telling the forge"
    remedy = known.remedy if known else "see the worker's log"
    source.problem = {"message": message, "remedy": remedy}
    session.commit()


def put_to_sleep(session: Session, settings: Settings) -> None:
    client = connect()
    try:
        sleep.look(session, client, settings)
    finally:
        client.close()


def careful(session: Session, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        session.rollback()
        log.exception("an errand could not be done; it is tried again")
