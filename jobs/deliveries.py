"""What a forge sends: recorded with the Runs that come of it in one transaction, and once only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from forges.events import Event, Ping, PullRequest, Push, Renamed, Repository
from forges.registry import forge
from jobs import pushes
from jobs.models import Delivery, Hook, Run, now
from jobs.previews import lifecycle
from jobs.requests import Doorbell
from jobs.settings import Settings
from jobs.sources import renamed
from stacks.errors import PortwrightError

BY = "webhook"
# Headers that are kept: none that signs or authorizes.
KEPT = ("content-type", "user-agent")
KEPT_ENDS = ("-event", "-event-type", "-delivery", "-hook-uuid", "-attempt-number", "webhook-id")
BODY_DAYS = 14
MOST_KEPT = 500


@dataclass
class Outcome:
    """runs: of this delivery, also of an earlier one of the same key; words: what came of it."""

    runs: list[Run]
    words: str
    repeated: bool = False
    delivery: Delivery | None = field(default=None, repr=False)


def receive(
    session: Session,
    ring: Doorbell,
    settings: Settings,
    hook: Hook,
    headers: Mapping[str, str],
    body: bytes,
) -> Outcome:
    """Record a signed delivery and do what it asks for.

    All of it is in one transaction: what was answered for is not lost, and what is sent again
    is answered with the Runs that it made the first time. A body that can't be read is
    recorded too, and raises PortwrightError.
    """
    kind = forge(hook.scheme)
    digest = hashlib.sha256(body).hexdigest()
    key = (kind.delivery(headers) or "")[:100] or f"sha256:{digest}"
    known = earlier(session, hook, key, digest)
    if known is not None:
        return known
    delivery = Delivery(hook=hook, key=key, digest=digest, headers=kept(headers), body=body)
    session.add(delivery)
    try:
        session.flush()  # of two at once one waits here for the other, and then knows it
    except IntegrityError:
        session.rollback()
        known = earlier(session, hook, key, digest)
        if known is None:
            raise
        return known
    return worked_through(session, ring, settings, delivery, headers)


def worked_through(
    session: Session,
    ring: Doorbell,
    settings: Settings,
    delivery: Delivery,
    headers: Mapping[str, str],
) -> Outcome:
    try:
        events = forge(delivery.hook.scheme).events(headers, delivery.body or b"")
    except PortwrightError as error:
        delivery.event, delivery.outcome = "unreadable", f"{error.path}: {error.message}"
        session.commit()
        raise
    runs: list[Run] = []
    words: list[str] = []
    for event in events:
        made, told = act(session, settings, delivery.hook, event)
        runs += made
        words.append(told)
    delivery.event = ", ".join(sorted({name_of(event) for event in events}))[:40]
    delivery.outcome = "; ".join(dict.fromkeys(words)) or "it tells of nothing"
    for run in runs:
        run.delivery_id = delivery.id
    session.commit()
    for run in runs:
        ring(run.id)
    return Outcome(runs, delivery.outcome, delivery=delivery)


def act(session: Session, settings: Settings, hook: Hook, event: Event) -> tuple[list[Run], str]:
    """The Runs that come of an event, not committed; and in words what came of it, or why nothing."""
    project = hook.project
    if project.deleted_at is not None:
        return [], f"{project.name} is being deleted"
    if isinstance(event, Push):
        renamed(session, project, event.repository)
        return pushes.pushed(session, settings, project, event, by=BY)
    if isinstance(event, PullRequest):
        renamed(session, project, event.repository)
        return lifecycle.told(session, settings, project, event, by=BY)
    if isinstance(event, Ping):
        return [], "the forge tried the hook: it works"
    if isinstance(event, Renamed):
        renamed(session, project, Repository(event.new_full_name, event.clone_url, ""))
        return [], f"the repository is called {event.new_full_name} now"
    return [], f"{event.name}: nothing is done at such an event"


def name_of(event: Event) -> str:
    names = {Push: "push", PullRequest: "pull request", Ping: "ping", Renamed: "rename"}
    return names.get(type(event)) or str(getattr(event, "name", ""))[:40]


def earlier(session: Session, hook: Hook, key: str, digest: str) -> Outcome | None:
    known = session.scalar(
        select(Delivery)
        .where(Delivery.hook_id == hook.id, or_(Delivery.key == key, Delivery.digest == digest))
        .limit(1)
    )
    if known is None:
        return None
    runs = list(session.scalars(select(Run).where(Run.delivery_id == known.id).order_by(Run.id)))
    return Outcome(runs, known.outcome, repeated=True, delivery=known)


def redeliver(
    session: Session, ring: Doorbell, settings: Settings, delivery: Delivery, *, by: str
) -> Outcome:
    """Work a delivery's body through again, as a delivery of its own.

    Raises PortwrightError where the body is no longer kept or still can't be read.
    """
    if delivery.body is None:
        raise PortwrightError(
            f"what was sent is kept for {BODY_DAYS} days only",
            remedy="let the forge send it again, or deploy the branch",
            path="delivery",
        )
    moment = now().strftime("%Y%m%d%H%M%S%f")
    again = Delivery(
        hook=delivery.hook, key=f"again:{delivery.id}:{moment}"[:100], headers=delivery.headers,
        body=delivery.body, redelivery_of=delivery.id,
    )  # fmt: skip
    session.add(again)
    session.flush()
    return worked_through(session, ring, settings, again, delivery.headers)


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    names = {name: value for name, value in headers.items() if "\n" not in value}
    return {
        name: value[:200]
        for name, value in sorted(names.items())
        if name.lower() in KEPT or name.lower().endswith(KEPT_ENDS)
    }


def prune(session: Session) -> None:
    """Forget bodies after a while, and the oldest rows of each hook; keys of the last days stay."""
    old = now() - timedelta(days=BODY_DAYS)
    session.execute(
        update(Delivery)
        .where(Delivery.received_at < old, Delivery.body.is_not(None))
        .values(body=None)
    )
    for hook_id in session.scalars(select(Hook.id)).all():
        newest = (
            select(Delivery.id)
            .where(Delivery.hook_id == hook_id)
            .order_by(Delivery.id.desc())
            .offset(MOST_KEPT)
        )
        for delivery_id in session.scalars(newest).all():
            found = session.get(Delivery, delivery_id)
            if found is not None and found.received_at < old:
                session.delete(found)
    session.commit()
