"""The page 'Hooks' of a project and its forms."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from forges.registry import FORGES
from jobs import at_forge
from jobs.hooks import hooks_of, rotate
from jobs.models import Hook, Project
from portal.access import get_project, person
from portal.context import settings
from portal.database import db
from portal.hooks import blueprint
from portal.hooks.acting import can_set_up, get_hook, hook_json, make, try_set_up, url_of
from portal.hooks.by_hand import by_hand
from stacks.errors import PortwrightError


@blueprint.get("/projects/<name>/hooks")
def index(name: str) -> ResponseReturnValue:
    return shown(get_project(name, "hooks"))


def shown(project: Project, code: int = 200, **more: Any) -> ResponseReturnValue:
    """The page; `more` adds an error, or a secret that is shown this once."""
    hooks = [
        {**hook_json(each), "row": each, "steps": by_hand(each.scheme, url_of(each), None)}
        for each in hooks_of(db.session, project)
    ]
    page = render_template(
        "hooks/index.html",
        project=project,
        hooks=hooks,
        forges=FORGES,
        guessed=at_forge.guess(project.repository),
        tokens={kind: can_set_up(project, kind) for kind in FORGES},
        portal_url=settings().portal_url,
        **more,
    )
    return page, code


def once(hook: Hook, secret: str, error: PortwrightError | None = None) -> ResponseReturnValue:
    """The page with a new secret, and what to type at the forge."""
    steps = by_hand(hook.scheme, url_of(hook), secret)
    return shown(hook.project, made=hook, secret=secret, steps=steps, error=error)


@blueprint.post("/projects/<name>/hooks")
def create(name: str) -> ResponseReturnValue:
    project = get_project(name, "hooks")
    wanted = bool(request.form.get("at_forge"))
    try:
        made = make(project, request.form.get("scheme") or None, set_up=wanted)
    except PortwrightError as error:
        db.session.rollback()
        return shown(project, 422, error=error)
    return once(made.hook, made.secret, made.problem)


@blueprint.post("/projects/<name>/hooks/<int:hook_id>/set-up")
def set_up(name: str, hook_id: int) -> ResponseReturnValue:
    hook = get_hook(name, hook_id)
    error = try_set_up(hook)
    if error:
        return shown(get_project(name, "hooks"), 422, error=error)
    flash("The hook is set up at the forge with the secret of now.")
    return redirect(url_for("hooks.index", name=name))


@blueprint.post("/projects/<name>/hooks/<int:hook_id>/rotate")
def rotate_secret(name: str, hook_id: int) -> ResponseReturnValue:
    hook = get_hook(name, hook_id)
    return once(hook, rotate(db.session, settings().key("vault-key"), hook, by=person().email))


@blueprint.post("/projects/<name>/hooks/<int:hook_id>/delete")
def delete(name: str, hook_id: int) -> ResponseReturnValue:
    told = at_forge.remove(db.session, settings(), get_hook(name, hook_id), by=person().email)
    flash(told or "The hook is deleted.", "error" if told else "message")
    return redirect(url_for("hooks.index", name=name))
