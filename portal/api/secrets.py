"""/api/projects/<name>/secrets: names and versions go out, values only come in."""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from jobs.previews.policy import EVERY_PREVIEW
from jobs.queries import own_versions, secret_versions
from jobs.requests import set_secret
from portal.access import environment_in, get_environment, get_project, person
from portal.api import blueprint
from portal.api.bodies import NewSecret, body_as
from portal.context import settings
from portal.database import db


@blueprint.get("/projects/<name>/secrets")
def list_secrets(name: str) -> ResponseReturnValue:
    """Those of an environment; with ?environment=previews those that are every preview's own."""
    if request.args.get("environment") == EVERY_PREVIEW:
        found = own_versions(db.session, get_project(name).id, EVERY_PREVIEW)
    else:
        environment = get_environment(name)
        found = secret_versions(db.session, environment.project, environment.name)
    return jsonify(secrets=[{"name": each, "version": found[each]} for each in found])


@blueprint.put("/projects/<name>/secrets/<secret>")
def put_secret(name: str, secret: str) -> ResponseReturnValue:
    project = get_project(name, "secrets")
    given = body_as(NewSecret)
    own = given.environment or None
    if own is not None and own != EVERY_PREVIEW:
        own = environment_in(project).name
    key = settings().key("vault-key")
    version = set_secret(
        db.session, key, project, secret, given.value, by=person().email, environment=own
    )
    return jsonify(secret={"name": secret, "version": version, "environment": own})
