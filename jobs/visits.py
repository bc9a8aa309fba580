"""Visits to previews: whose a host name is, and waking what sleeps behind it."""

from __future__ import annotations

import re

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.models import Preview, now
from jobs.queries import release_numbered

# As stacks.freeze.Preview names them; for Traefik and for the portal. {domain}: escaped.
LABEL = r"([a-z0-9-]+-)?pr-[0-9]+-[a-z0-9-]+"
HOST_RULE = "HostRegexp(`^" + LABEL + r"\.{domain}$`)"


def is_preview(host: str, domain: str) -> bool:
    """Whether a host name (without a port) has the form of a preview's."""
    return re.fullmatch(rf"{LABEL}\.{re.escape(domain)}", host) is not None


def preview_at(session: Session, host: str) -> Preview | None:
    """The open preview that serves at this host name."""
    for preview in session.scalars(select(Preview).where(Preview.state == "open")):
        release = release_numbered(session, preview.environment, preview.environment.release)
        services = release.spec["services"].values() if release else ()
        if any(route["host"] == host for each in services for route in each["routes"]):
            return preview
    return None


def wake(session: Session, preview: Preview) -> None:
    """Ask the worker to start it; asking again while it does is harmless."""
    session.execute(
        update(Preview)
        .where(Preview.id == preview.id, Preview.asleep.is_(True), Preview.wake_at.is_(None))
        .values(wake_at=now())
    )
    session.commit()
