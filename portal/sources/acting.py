"""Changing a project's source, and trying it now: git and the forge's API, with time limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from forges.asked import Checked
from jobs.models import Project, Source
from jobs.records import record
from jobs.source import Tested, test
from jobs.sources import (
    access_of,
    client_of,
    configure,
    default_api_url,
    full_name_of,
    guard_of,
    keep,
    opened,
    source_of,
)
from portal.access import person
from portal.context import settings
from portal.database import db
from stacks.errors import PortwrightError


@dataclass(frozen=True)
class Tried:
    """api: None where no token is kept, or the forge has no API."""

    git: Tested
    api: Checked | None


def change(project: Project, **given: Any) -> bool:
    """Change the settings (jobs.sources.configure). Whether the forge's token was forgotten: it
    was given for one address, and goes to no other. Raises PortwrightError."""
    before = api_origin(project)
    configure(db.session, project, by=person().email, **given)
    if api_origin(project) == before:
        return False
    kept = opened(source_of(db.session, project), settings().key("vault-key"))
    secret = {name: "" for name in ("token", "app_key") if getattr(kept, name)}
    if secret:
        keep(db.session, settings().key("vault-key"), project, secret, by=person().email)
    return bool(secret)


def api_origin(project: Project) -> tuple[str, str]:
    source = source_of(db.session, project)
    kind = source.forge if source else "generic"
    url = source.api_url if source else None
    parts = urlsplit(url or default_api_url(kind, project.repository))
    return parts.scheme, parts.netloc


def tried(project: Project) -> Tried:
    source = source_of(db.session, project)
    access = access_of(settings(), project, source)
    db.session.rollback()  # nothing is held while others are waited for
    git = test(access, guard_of(settings()).resolve)
    return Tried(git, api_tried(project, source) if source else None)


def api_tried(project: Project, source: Source) -> Checked | None:
    try:
        client = client_of(settings(), source)
    except PortwrightError as error:
        return Checked(False, "", error.message, error.remedy)
    return client.check(full_name_of(project, source)) if client else None


def poll_now(project: Project) -> None:
    """Let the worker look within seconds. Raises PortwrightError where it never looks."""
    source = source_of(db.session, project)
    if source is None or not source.poll_minutes:
        raise PortwrightError(
            "the repository is not looked at by time",
            remedy="set how often first, from 1 minute on",
            path="poll_minutes",
        )
    source.polled_at = None
    record(db.session, person().email, "source.poll", project.name)
    db.session.commit()
