"""Which host names previews have. Asks the database only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.models import Preview, Project, Run
from jobs.queries import release_numbered
from jobs.visits import is_preview


def wanted(session: Session, domain: str) -> list[str]:
    """Names of all previews on this machine that are not over, sorted."""
    query = (
        select(Preview)
        .join(Project)
        .where(Preview.state != "closed", Preview.gone_at.is_(None), Project.deleted_at.is_(None))
        .where(Project.host_id.is_(None))
    )
    previews = session.scalars(query).all()
    return sorted({name for each in previews for name in names_of(session, each, domain)})


def names_of(session: Session, preview: Preview, domain: str) -> list[str]:
    """What it serves at, and what its newest deploy is about to serve at."""
    environment = preview.environment
    release = release_numbered(session, environment, environment.release)
    planned = session.scalar(
        select(Run)
        .where(Run.environment_id == environment.id, Run.kind == "deploy")
        .order_by(Run.id.desc())
        .limit(1)
    )
    specs = [release.spec if release else None, planned.spec if planned else None]
    return sorted({host for spec in specs for host in hosts(spec) if is_preview(host, domain)})


def hosts(spec: Mapping[str, Any] | None) -> Iterable[str]:
    for service in ((spec or {}).get("services") or {}).values():
        yield from (route["host"] for route in service.get("routes") or ())
