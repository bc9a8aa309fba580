"""/api/projects/<name>/secrets: names and versions go out, values only come in."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs.queries import secret_versions
from jobs.requests import set_secret
from portal.access import get_project, person
from portal.api import blueprint
from portal.api.bodies import NewSecret, body_as
from portal.context import settings
from portal.database import db


@blueprint.get("/projects/<name>/secrets")
def list_secrets(name: str) -> ResponseReturnValue:
    found = secret_versions(db.session, get_project(name))
    return jsonify(secrets=[{"name": each, "version": found[each]} for each in found])


@blueprint.put("/projects/<name>/secrets/<secret>")
def put_secret(name: str, secret: str) -> ResponseReturnValue:
    project = get_project(name, "secrets")
    value = body_as(NewSecret).value
    key = settings().key("vault-key")
    version = set_secret(db.session, key, project, secret, value, by=person().email)
    return jsonify(secret={"name": secret, "version": version})
