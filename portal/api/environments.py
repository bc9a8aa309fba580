"""/api/projects/<name>/environments: list, add, and the policy of one."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs.approval import set_policy
from jobs.models import Environment
from jobs.queries import environment_named
from jobs.requests import add_environment
from portal.access import get_project, person
from portal.api import blueprint
from portal.api.bodies import NewEnvironment, Policy, body_as
from portal.database import db
from portal.errors import Refused


@blueprint.get("/projects/<name>/environments")
def list_environments(name: str) -> ResponseReturnValue:
    return jsonify(environments=[shape(each) for each in get_project(name).environments])


@blueprint.post("/projects/<name>/environments")
def new_environment(name: str) -> ResponseReturnValue:
    project = get_project(name, "environments")
    made = add_environment(db.session, project, body_as(NewEnvironment).name, by=person().email)
    return jsonify(environment=shape(made)), 201


@blueprint.patch("/projects/<name>/environments/<environment>")
def change_environment(name: str, environment: str) -> ResponseReturnValue:
    project = get_project(name, "environments")
    found = environment_named(project, environment)
    if found is None:
        known = ", ".join(each.name for each in project.environments)
        raise Refused(
            404, f"{name} has no environment {environment[:40]!r}.", f"Choose from {known}."
        )
    set_policy(db.session, found, body_as(Policy).policy, by=person().email)
    return jsonify(environment=shape(found))


def shape(environment: Environment) -> dict[str, object]:
    return {
        "name": environment.name,
        "policy": environment.policy,
        "release": environment.release,
    }
