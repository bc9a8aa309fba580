"""Adding an environment; which plans of it need somebody's word, and which pushes deploy it."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jobs.approval import set_policy
from jobs.pushes import FIELDS, set_branch, set_filters
from jobs.requests import add_environment
from portal.access import get_environment, get_project, in_environment, person
from portal.database import db
from portal.projects import blueprint
from portal.projects.actions import failed
from portal.projects.policies import POLICY_WORDS
from stacks.errors import PortwrightError
from stacks.names import check_ref


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


@blueprint.post("/projects/<name>/pushes")
def pushes(name: str) -> ResponseReturnValue:
    """Branch, and patterns with spaces or line ends between them."""
    environment = get_environment(name, "environments")
    form, by = request.form, person().email
    branch = form.get("branch", "").strip()
    try:
        if branch:
            check_ref("branch", branch)
        set_filters(
            db.session, environment, {each: form.get(each, "").split() for each in FIELDS}, by=by
        )
        set_branch(db.session, environment, branch, by=by)
    except PortwrightError as error:
        db.session.rollback()
        return failed(name, error)
    flash(f"Which pushes deploy {environment.name} is kept.")
    here = in_environment(environment)
    return redirect(url_for("projects.project", name=name, _anchor="environment", **here))
