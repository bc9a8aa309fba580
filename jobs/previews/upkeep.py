"""What previews need by time: those that are over go, those that waited for room get it, and what
could not be taken away is taken away again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.models import Preview, Run, now
from jobs.previews import lifecycle
from jobs.previews.policy import policy_of
from jobs.requests import Doorbell, add_run
from jobs.settings import Settings
from jobs.states import FINAL

BY = "portwright"
AGAIN = timedelta(minutes=5)


def upkeep(session: Session, ring: Doorbell, settings: Settings) -> list[int]:
    """Returns the ids of the Runs that it asked for."""
    runs = [*expired(session), *waiting(session, settings), *left_behind(session)]
    session.commit()
    for run in runs:
        ring(run.id)
    return [run.id for run in runs]


def expired(session: Session) -> list[Run]:
    query = select(Preview).where(Preview.state != "closed", Preview.expires_at < now())
    return [
        lifecycle.close(session, each, "its time was over", by=BY)
        for each in session.scalars(query).all()
    ]


def waiting(session: Session, settings: Settings) -> list[Run]:
    """Held ones, the oldest first, once what they waited for is there."""
    made = []
    query = select(Preview).where(Preview.state == "held").order_by(Preview.id)
    for preview in session.scalars(query).all():
        policy = policy_of(preview.project)
        if policy.enabled and lifecycle.hold(session, settings, preview, policy) is None:
            run = lifecycle.ask(session, settings, preview, policy, by=BY)
            made += [run] if run else []
            session.flush()
    return made


def left_behind(session: Session) -> list[Run]:
    """Closed previews whose newest destroy did not succeed, after a pause."""
    made = []
    query = select(Preview).where(Preview.state == "closed", Preview.gone_at.is_(None))
    for preview in session.scalars(query).all():
        newest = session.scalar(
            select(Run)
            .where(Run.environment_id == preview.environment_id, Run.kind == "destroy")
            .order_by(Run.id.desc())
            .limit(1)
        )
        if newest is not None and (newest.state == "succeeded" or newest.state not in FINAL):
            continue
        if newest is None or (newest.ended_at or now()) + AGAIN < now():
            made.append(add_run(session, preview.environment, "destroy", by=BY, every_volume=True))
    return made
