"""The records that this host's domain needs."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from sqlalchemy import select

from forges.addresses import parsed, public
from jobs.models import Environment, Project
from jobs.queries import addresses
from jobs.settings import Settings
from portal.database import db
from stacks.errors import PortwrightError
from zones.cloudflare.api import URL, Api
from zones.cloudflare.provider import Cloudflare
from zones.plan import wanted
from zones.records import Record

TOKEN = "cloudflare-token"
MOST = 100
SECONDS = 10.0


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


def own_address() -> str:
    """The public address that this host sends from; '' where it has none. Sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("192.0.2.1", 53))  # RFC 5737: nobody's
            found = parsed(out.getsockname()[0])
    except OSError:
        return ""
    return str(found) if found and public(found) else ""


def has_token(settings: Settings) -> bool:
    return (settings.home / "keys" / TOKEN).is_file()


def cloudflare(settings: Settings) -> Cloudflare:
    """Raises PortwrightError where no token is kept, or it is none."""
    if not has_token(settings):
        raise PortwrightError(
            "no token of Cloudflare is kept",
            remedy=f"write one to {settings.home / 'keys' / TOKEN}, readable by root only",
            path="token",
        )
    api = Api(settings.key(TOKEN), url=URL)
    api.client.timeout = SECONDS
    return Cloudflare(api, settings.instance, [settings.domain])
