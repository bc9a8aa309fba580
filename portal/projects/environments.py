"""Adding an environment, and its policy: which plans need somebody's word."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jobs.approval import set_policy
from jobs.requests import add_environment
from portal.access import get_environment, get_project, in_environment, person
from portal.database import db
from portal.projects import blueprint
from portal.projects.actions import failed
from portal.projects.policies import POLICY_WORDS
from stacks.errors import PortwrightError


@blueprint.post("/projects/<name>/environments")
def add(name: str) -> ResponseReturnValue:
    project = get_project(name, "environments")
    try:
        made = add_environment(
            db.session, project, request.form.get("new", "").strip(), by=person().email
        )
    except PortwrightError as error:
        return failed(name, error)
    flash(f"{made.name} is there. Plan to see what its first release would make.")
    return redirect(url_for("projects.project", name=name, **in_environment(made)))


@blueprint.post("/projects/<name>/policy")
def policy(name: str) -> ResponseReturnValue:
    environment = get_environment(name, "environments")
    try:
        set_policy(db.session, environment, request.form.get("policy", ""), by=person().email)
    except PortwrightError as error:
        return failed(name, error)
    flash(POLICY_WORDS[environment.policy])
    return redirect(url_for("projects.project", name=name, **in_environment(environment)))
