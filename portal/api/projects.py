"""/api/projects: list, register, one."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs.deletion import request_deletion
from jobs.requests import allow_host_access
from portal.access import get_environment, get_project, get_projects, person
from portal.api import blueprint
from portal.api.bodies import HostAccess, NewProject, body_as
from portal.context import doorbell
from portal.database import db
from portal.projects.create import create_owned
from portal.projects.overview import overview
from portal.runs.shape import run_json


@blueprint.get("/projects")
def list_projects() -> ResponseReturnValue:
    return jsonify(projects=[overview(project).to_json() for project in get_projects()])


@blueprint.post("/projects")
def add_project() -> ResponseReturnValue:
    given = body_as(NewProject)
    project = create_owned(
        given.name, given.repository, given.branch, person(), given.host, given.host_label
    )
    return jsonify(project=overview(project).to_json()), 201


@blueprint.get("/projects/<name>")
def one_project(name: str) -> ResponseReturnValue:
    return jsonify(project=overview(get_project(name), get_environment(name)).to_json())


@blueprint.patch("/projects/<name>")
def change_project(name: str) -> ResponseReturnValue:
    project = get_project(name)
    allow_host_access(db.session, project, body_as(HostAccess).host_access, by=person())
    return jsonify(project=overview(project).to_json())


@blueprint.delete("/projects/<name>")
def delete_project(name: str) -> ResponseReturnValue:
    """Cancels what waits or is at work, destroys every environment, keeps the volumes."""
    runs = request_deletion(db.session, doorbell(), get_project(name, "delete"), by=person().email)
    return jsonify(runs=[run_json(run) for run in runs]), 202
