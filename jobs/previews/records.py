"""DNS records of previews: made when one opens, taken away at its end, looked at again by time.

What became of them is kept in dns/previews.json for the portal: no request asks a provider, no
deploy waits for one, and no transaction is open while one is asked. What fails is tried again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.dns import cloudflare, has_token, needs_records, own_addresses
from jobs.keeper import write
from jobs.models import Preview, now
from jobs.previews.names import wanted
from jobs.records import record
from jobs.settings import Settings
from jobs.visits import is_preview
from stacks.errors import PortwrightError
from zones.keeping import Kept, keep, seen
from zones.provider import Change
from zones.resolver import Resolver

BY = "portwright"
AGAIN, AGAIN_WHERE_NOT = timedelta(hours=1), timedelta(minutes=1)
LOOK_SECONDS = 3.0
FILE = "dns/previews.json"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """As it was at the last look. names: each with how it is, those that could not be taken away
    too. asked: names that were wanted. problem: why nothing could be done, {message, remedy}."""

    names: Mapping[str, Kept] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    problem: dict[str, str] | None = None
    next: datetime | None = None


def due(session: Session, settings: Settings) -> bool:
    """Whether there is anything to do now; asks no network."""
    if not needs_records(settings) or session.scalar(select(Preview.id).limit(1)) is None:
        return False
    before = known(settings)
    return before.next is None or before.next <= now() or before.asked != names(session, settings)


def names(session: Session, settings: Settings) -> tuple[str, ...]:
    return tuple(wanted(session, settings.domain))


def look(session: Session, settings: Settings, resolver: Resolver | None = None) -> None:
    """Make, take away, or without a provider look up. Never raises for what a provider does."""
    before, asked = known(settings), names(session, settings)
    session.commit()
    problem, changes = None, list[Change]()
    # Whatever happens below, it is not tried again at once.
    keep_state(settings, replace(before, asked=asked, next=now() + AGAIN_WHERE_NOT))
    try:
        found = brought_up(settings, asked, before, resolver, changes)
    except PortwrightError as error:
        found = dict(before.names)
        problem = {"message": error.message, "remedy": error.remedy}
        if problem != before.problem:
            log.warning("DNS of previews: %s", error.message)
    well = problem is None and all(each.ok for each in found.values())
    state = State(found, asked, problem, now() + (AGAIN if well else AGAIN_WHERE_NOT))
    keep_state(settings, state)
    if changes:
        told = [f"{each.action} {each.record.type} {each.record.name}" for each in changes]
        record(session, BY, "dns.previews", None, records=told)
        session.commit()


def brought_up(
    settings: Settings,
    asked: tuple[str, ...],
    before: State,
    resolver: Resolver | None,
    done: list[Change],
) -> dict[str, Kept]:
    addresses = own_addresses(settings)
    if not addresses:
        raise PortwrightError(
            "this host's public address is not known, which records are to point to",
            remedy="set PORTWRIGHT_ADDRESSES",
            path="addresses",
        )
    domain = settings.domain
    if not has_token(settings):
        return seen(domain, asked, addresses, resolver or Resolver(seconds=LOOK_SECONDS))
    provider = cloudflare(settings)
    with provider.api:
        passing = partial(is_preview, domain=domain)
        return keep(provider, domain, asked, addresses, before.names, passing, done)


def known(settings: Settings) -> State:
    """As it was kept; nothing where there is no file, or it can't be read."""
    try:
        told = json.loads((settings.home / FILE).read_text())
        found = {str(name): Kept(**each) for name, each in told["names"].items()}
        return State(
            found, tuple(told["asked"]), told["problem"], datetime.fromisoformat(told["next"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def keep_state(settings: Settings, state: State) -> None:
    at = state.next.isoformat() if state.next else None
    write(settings.home / FILE, json.dumps({**asdict(state), "next": at}, indent=1))
