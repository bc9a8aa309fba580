"""/api/projects/<name>/registries: list, put, delete."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from jobs.registries import remove_credential, set_credential
from portal.access import get_project, person
from portal.api import blueprint as api
from portal.api.bodies import Body, body_as
from portal.context import settings
from portal.database import db
from portal.registries.serializers import registries_json, registry_json


class NewCredential(Body):
    """password or command goes with username. ca: PEM; left out it stays, empty it is removed."""

    username: str | None = None
    password: str | None = None
    command: list[str] | None = Field(default=None, max_length=64)
    ca: str | None = None


@api.get("/projects/<name>/registries")
def list_registries(name: str) -> ResponseReturnValue:
    return jsonify(registries=registries_json(get_project(name, "registries")))


# The host is a path, so that a pasted URL is refused with the right spelling instead of a 404.
@api.put("/projects/<name>/registries/<path:host>")
def put_registry(name: str, host: str) -> ResponseReturnValue:
    project = get_project(name, "registries")
    given = body_as(NewCredential).model_dump()
    made = set_credential(db.session, settings(), project, host, by=person(), **given)
    return jsonify(registry=registry_json(made))


@api.delete("/projects/<name>/registries/<path:host>")
def delete_registry(name: str, host: str) -> ResponseReturnValue:
    project = get_project(name, "registries")
    return jsonify(removed=remove_credential(db.session, project, host, by=person()))
