"""/api/projects/<name>/hooks: make one, and be told its secret this once."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs.hooks import create_hook
from portal.access import get_project, person
from portal.api import blueprint as api
from portal.api.bodies import NewHook, body_as
from portal.context import settings
from portal.database import db


@api.post("/projects/<name>/hooks")
def new_hook(name: str) -> ResponseReturnValue:
    project = get_project(name, "hooks")
    key = settings().key("vault-key")
    scheme = body_as(NewHook).scheme
    hook, secret = create_hook(db.session, key, project, scheme, by=person().email)
    url = f"{settings().portal_url}/hooks/{hook.address}"
    return jsonify(hook={"id": hook.id, "url": url, "scheme": scheme, "secret": secret}), 201
