"""The page 'Registries' of a project, and its forms."""

from __future__ import annotations

import shlex
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.models import Project
from jobs.registries import remove_credential, set_credential
from portal.access import get_project, person
from portal.context import settings
from portal.database import db
from portal.registries import blueprint
from portal.registries.serializers import registries_json
from stacks.errors import PortwrightError


@blueprint.get("/projects/<name>/registries")
def index(name: str) -> ResponseReturnValue:
    return shown(get_project(name, "registries"))


@blueprint.post("/projects/<name>/registries")
def save(name: str) -> ResponseReturnValue:
    project = get_project(name, "registries")
    host = request.form.get("host", "")
    try:
        made = set_credential(
            db.session, settings(), project, host, by=person(), **given_login(), **given_ca()
        )
    except PortwrightError as error:
        db.session.rollback()
        given = {field: request.form.get(field, "") for field in ("host", "username")}
        return shown(project, 422, error=error, given=given)
    return done(name, f"The credentials of {made.host} are stored. The next pull uses them.")


@blueprint.post("/projects/<name>/registries/remove")
def remove(name: str) -> ResponseReturnValue:
    project = get_project(name, "registries")
    try:
        host = remove_credential(db.session, project, request.form.get("host", ""), by=person())
    except PortwrightError as error:
        return shown(project, 422, error=error)
    return done(name, f"The credentials of {host} are removed.")


def given_login() -> dict[str, Any]:
    """User name with password or command; nothing where all three are empty."""
    form = request.form
    username, command = form.get("username", "").strip(), form.get("command", "").strip()
    password = form.get("password", "")
    if not (username or password or command):
        return {}
    found: dict[str, Any] = {"username": username}
    if password or not command:
        found["password"] = password
    if command:
        found["command"] = split(command)
    return found


def given_ca() -> dict[str, str]:
    """The CA that was pasted; removed where that was ticked; nothing where it stays."""
    ca = request.form.get("ca", "").strip()
    return {"ca": ca} if ca or request.form.get("no_ca") else {}


def split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        raise PortwrightError(
            "the command has an unbalanced quote", remedy="Quote it as in a shell.", path="command"
        ) from None


def shown(project: Project, code: int = 200, **more: Any) -> ResponseReturnValue:
    page = render_template(
        "registries/index.html", project=project, registries=registries_json(project), **more
    )
    return page, code


def done(name: str, message: str) -> ResponseReturnValue:
    flash(message)
    return redirect(url_for("registries.index", name=name))
