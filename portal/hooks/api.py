"""/api/projects/<name>/hooks: list, make, set up at the forge, rotate, delete."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs import at_forge
from jobs.hooks import hooks_of, rotate
from portal.access import get_project, person
from portal.api import blueprint as api
from portal.api.bodies import NewHook, body_as
from portal.context import settings
from portal.database import db
from portal.hooks.acting import get_hook, hook_json, make, url_of
from portal.hooks.by_hand import by_hand


@api.get("/projects/<name>/hooks")
def list_hooks(name: str) -> ResponseReturnValue:
    found = hooks_of(db.session, get_project(name, "hooks"))
    return jsonify(hooks=[hook_json(each) for each in found])


@api.post("/projects/<name>/hooks")
def new_hook(name: str) -> ResponseReturnValue:
    """The secret is told this once. at_forge: also make it there, by the token that is kept."""
    project = get_project(name, "hooks")
    given = body_as(NewHook)
    made = make(project, given.scheme, set_up=given.at_forge)
    hook, url = made.hook, url_of(made.hook)
    told: dict[str, Any] = {"id": hook.id, "url": url, "scheme": hook.scheme, "secret": made.secret}
    steps = by_hand(hook.scheme, url, made.secret)
    return jsonify(
        hook=told,
        set_up=hook.forge_id is not None,
        problem=made.problem.to_json() if made.problem else None,
        by_hand={"place": steps.place, "fields": [list(each) for each in steps.fields]},
    ), 201


@api.post("/projects/<name>/hooks/<int:hook_id>/set-up")
def set_up_hook(name: str, hook_id: int) -> ResponseReturnValue:
    hook = get_hook(name, hook_id)
    at_forge.set_up(db.session, settings(), hook, by=person().email)
    return jsonify(hook=hook_json(hook))


@api.post("/projects/<name>/hooks/<int:hook_id>/rotate")
def rotate_hook(name: str, hook_id: int) -> ResponseReturnValue:
    """The new secret, told this once; the one before counts until the new one was used."""
    hook = get_hook(name, hook_id)
    secret = rotate(db.session, settings().key("vault-key"), hook, by=person().email)
    return jsonify(hook={**hook_json(hook), "secret": secret})


@api.delete("/projects/<name>/hooks/<int:hook_id>")
def delete_hook(name: str, hook_id: int) -> ResponseReturnValue:
    """Here, and at the forge where we made it there; `told` says what could not be done there."""
    told = at_forge.remove(db.session, settings(), get_hook(name, hook_id), by=person().email)
    return jsonify(told=told)
