"""A Release as the API gives it."""

from __future__ import annotations

from typing import Any

from flask import url_for

from jobs.models import Release
from portal.plans import shown


def release_json(release: Release, project: str, *, whole: bool = False) -> dict[str, Any]:
    """The release's facts; `whole` adds its spec and the plan that made it."""
    facts: dict[str, Any] = {
        "number": release.number,
        "project": project,
        "commit": release.commit,
        "subject": release.subject,
        "rollback_of": release.rollback_of,
        "automatic": (release.run.options or {}).get("automatic"),
        "run": release.run_id,
        "requested_by": release.run.requested_by,
        "created_at": release.created_at.isoformat(),
        "url": url_for("releases.release", name=project, number=release.number),
        "log": url_for("api.run_log", run_id=release.run_id),
    }
    return {**facts, "spec": release.spec, "plan": shown(release.run.plan)} if whole else facts
