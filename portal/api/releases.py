"""/api/projects/<name>/releases."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs.queries import releases_of
from portal.access import get_environment, get_release
from portal.api import blueprint
from portal.database import db
from portal.releases.shape import release_json


@blueprint.get("/projects/<name>/releases")
def list_releases(name: str) -> ResponseReturnValue:
    environment = get_environment(name)
    found = [release_json(each, name) for each in releases_of(db.session, environment)]
    return jsonify(current=environment.release, releases=found)


@blueprint.get("/projects/<name>/releases/<int:number>")
def one_release(name: str, number: int) -> ResponseReturnValue:
    return jsonify(release=release_json(get_release(name, number), name, whole=True))
