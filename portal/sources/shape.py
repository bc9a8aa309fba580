"""A project's source as the API gives it and the page shows it. No credential is in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from jobs.at_forge import guess
from jobs.host_keys import pinned
from jobs.models import Project
from jobs.source.address import parse
from jobs.sources import default_api_url, full_name_of, opened, source_of
from portal.context import settings
from portal.database import db
from portal.runs.shape import iso
from stacks.errors import PortwrightError


def source_json(project: Project) -> dict[str, Any]:
    """As it is kept; where nothing is kept yet, as it would be. credentials: the fields that are set."""
    source = source_of(db.session, project)
    kept = asdict(opened(source, settings().key("vault-key")))
    kind = source.forge if source else guess(project.repository)
    return {
        "repository": project.repository,
        "transport": transport(project),
        "forge": kind,
        "api_url": source.api_url if source else None,
        "api_url_default": default_api_url(kind, project.repository) or None,
        "full_name": source.full_name if source else None,
        "full_name_default": full_name_of(project, source) if source else None,
        "submodules": bool(source and source.submodules),
        "lfs": bool(source and source.lfs),
        "poll_minutes": source.poll_minutes if source else 0,
        "polled_at": iso(source.polled_at) if source else None,
        "problem": source.problem if source else None,
        "public_key": source.public_key if source else None,
        "host_keys": [{"type": key.type, "fingerprint": key.fingerprint} for key in pinned(source)],
        "credentials": sorted(name for name, value in kept.items() if value),
    }


def transport(project: Project) -> str:
    """https, http, ssh or file; empty for an address that can't be read."""
    try:
        return parse(project.repository).scheme
    except PortwrightError:
        return ""
