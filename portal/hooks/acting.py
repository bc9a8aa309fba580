"""What pages and API do with hooks. The secret leaves here once, when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort
from sqlalchemy import func, select

from jobs import at_forge
from jobs.hooks import create_hook
from jobs.models import Delivery, Hook, Project
from jobs.sources import client_of, source_of
from portal.access import get_project, person
from portal.context import settings
from portal.database import db
from portal.runs.shape import iso
from stacks.errors import PortwrightError


@dataclass(frozen=True)
class Made:
    """A hook with its secret. problem: why it is not set up at the forge, where that was asked for."""

    hook: Hook
    secret: str
    problem: PortwrightError | None = None


def get_hook(name: str, hook_id: int) -> Hook:
    """For those who may change it; 404 where it is another project's."""
    project = get_project(name, "hooks")
    hook = db.session.get(Hook, hook_id)
    if hook is None or hook.project_id != project.id:
        abort(404)
    return hook


def make(project: Project, scheme: str | None, *, set_up: bool = False) -> Made:
    """scheme: guessed from the repository's address where None. Raises PortwrightError."""
    kind = scheme or at_forge.guess(project.repository)
    key = settings().key("vault-key")
    hook, secret = create_hook(db.session, key, project, kind, by=person().email)
    at_forge.adopt(db.session, project, kind)
    db.session.commit()
    return Made(hook, secret, try_set_up(hook) if set_up else None)


def try_set_up(hook: Hook) -> PortwrightError | None:
    """Make it at the forge; what is in the way, where something is."""
    try:
        at_forge.set_up(db.session, settings(), hook, by=person().email)
    except PortwrightError as error:
        db.session.rollback()
        return error
    return None


def can_set_up(project: Project, scheme: str) -> bool:
    """Whether a token of that forge is kept."""
    source = source_of(db.session, project)
    try:
        return bool(source and source.forge == scheme and client_of(settings(), source))
    except PortwrightError:
        return False


def url_of(hook: Hook) -> str:
    return f"{settings().portal_url}/hooks/{hook.address}"


def hook_json(hook: Hook) -> dict[str, Any]:
    """forge_id: its id at the forge, where we made it there. two_secrets: the one before counts
    too, until the forge uses the new one."""
    newest = select(func.max(Delivery.received_at)).where(Delivery.hook_id == hook.id)
    return {
        "id": hook.id,
        "url": url_of(hook),
        "scheme": hook.scheme,
        "forge_id": hook.forge_id,
        "two_secrets": hook.sealed_before is not None,
        "created_at": iso(hook.created_at),
        "rotated_at": iso(hook.rotated_at),
        "last_delivery": iso(db.session.scalar(newest)),
    }
