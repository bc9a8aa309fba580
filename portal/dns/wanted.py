"""The records that this host's domain needs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from jobs.models import Environment, Project
from jobs.queries import addresses
from jobs.settings import Settings
from portal.database import db
from stacks.errors import PortwrightError
from zones.plan import wanted
from zones.records import Record

MOST = 100


def records(settings: Settings, given: Sequence[str], wildcard: bool) -> list[Record]:
    """given: addresses of this host. Raises PortwrightError."""
    if "." not in settings.domain:
        raise PortwrightError(
            f"names that end in {settings.domain} stay on this machine and need no records",
            remedy="set PORTWRIGHT_DOMAIN to a domain of yours, such as apps.example.com",
            path="domain",
        )
    found = wanted(settings.domain, given, wildcard, names(settings.domain))
    if len(found) > MOST:
        raise PortwrightError(
            f"{len(found)} records would be needed, which is more than {MOST}",
            remedy="use one for all names",
            path="wildcard",
        )
    return found


def names(domain: str) -> list[str]:
    """Hosts of every release that serves on this host, those under its domain; and the domain itself."""
    found = {domain}
    query = (
        select(Environment)
        .join(Project)
        .where(Project.deleted_at.is_(None), Project.host_id.is_(None))
    )
    for environment in db.session.scalars(query.where(Environment.release.is_not(None))):
        found |= {host for host, _ in addresses(db.session, environment)}
    return sorted(host for host in found if host == domain or host.endswith(f".{domain}"))
