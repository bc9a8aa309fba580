"""A Run as the API gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for

from jobs.models import Run
from portal.plans import shown


def run_json(run: Run, *, whole: bool = False) -> dict[str, Any]:
    """The run's facts; `whole` adds the plan's steps and the spec."""
    plan = shown(run.plan)
    facts: dict[str, Any] = {
        "id": run.id,
        "project": run.environment.project.name,
        "environment": run.environment.name,
        "kind": run.kind,
        "state": run.state,
        "ref": run.ref,
        "commit": run.commit,
        "subject": run.subject,
        "target": run.target,
        "expected_plan": run.expected_plan,
        "approved_by": run.approved_by,
        "automatic": (run.options or {}).get("automatic"),
        "volumes": (run.options or {}).get("volumes", []),
        "pull": bool((run.options or {}).get("pull")),
        "no_cache": bool((run.options or {}).get("no_cache")),
        "plan_hash": plan["hash"] if plan else None,
        "summary": plan["summary"] if plan else None,
        "attempts": run.attempts,
        "cancelled_by": run.cancelled_by,
        "error": run.error,
        "release": run.release,
        "requested_by": run.requested_by,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "url": url_for("runs.run", run_id=run.id),
        "log": url_for("api.run_log", run_id=run.id),
    }
    return {**facts, "plan": plan, "spec": run.spec} if whole else facts


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
