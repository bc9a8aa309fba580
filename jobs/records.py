"""The audit trail's one writer."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from jobs.models import Event


def record(session: Session, actor: str, action: str, project: str | None, **detail: Any) -> None:
    """Add an audit Event to the session; the caller commits it with what it tells of."""
    session.add(Event(actor=actor, action=action, project=project, detail=detail))
