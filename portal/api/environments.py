"""/api/projects/<name>/environments: list, add, and how one is deployed."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue

from jobs.approval import set_policy
from jobs.models import Environment
from jobs.pushes import set_branch, set_filters
from jobs.queries import standing
from jobs.requests import add_environment
from portal.access import get_project, person
from portal.api import blueprint
from portal.api.bodies import EnvironmentChange, NewEnvironment, body_as
from portal.database import db
from portal.errors import Refused
from portal.projects.pushes import pushes_of
from stacks.errors import PortwrightError


@blueprint.get("/projects/<name>/environments")
def list_environments(name: str) -> ResponseReturnValue:
    return jsonify(environments=[shape(each) for each in standing(get_project(name))])


@blueprint.post("/projects/<name>/environments")
def new_environment(name: str) -> ResponseReturnValue:
    project = get_project(name, "environments")
    made = add_environment(db.session, project, body_as(NewEnvironment).name, by=person().email)
    return jsonify(environment=shape(made)), 201


@blueprint.patch("/projects/<name>/environments/<environment>")
def change_environment(name: str, environment: str) -> ResponseReturnValue:
    """policy; branch ('' for none); filters, which are replaced as a whole. Unnamed ones stay."""
    project = get_project(name, "environments")
    found = next((each for each in standing(project) if each.name == environment), None)
    if found is None:
        known = ", ".join(each.name for each in standing(project))
        raise Refused(
            404, f"{name} has no environment {environment[:40]!r}.", f"Choose from {known}."
        )
    given = body_as(EnvironmentChange)
    if given == EnvironmentChange():
        raise PortwrightError(
            "nothing is to be changed", remedy="give policy, branch or filters", path="policy"
        )
    if given.policy is not None:
        set_policy(db.session, found, given.policy, by=person().email)
    if given.branch is not None:
        set_branch(db.session, found, given.branch, by=person().email)
    if given.filters is not None:
        set_filters(db.session, found, given.filters.model_dump(), by=person().email)
    return jsonify(environment=shape(found))


def shape(environment: Environment) -> dict[str, object]:
    """pushes: which deploy it, as they come of branch and filters; None: none does."""
    taken = pushes_of(environment)
    return {
        "name": environment.name,
        "policy": environment.policy,
        "release": environment.release,
        "branch": environment.branch,
        "filters": environment.filters or {},
        "pushes": vars(taken) if taken else None,
    }
