"""The pages of projects: list, new, one."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.models import Project
from jobs.queries import production, releases_of, runs_of, secret_versions
from portal.access import get_project, get_projects, person, role_in
from portal.context import settings
from portal.database import db
from portal.errors import Refused
from portal.projects import blueprint
from portal.projects.create import create_owned
from portal.projects.members import members_of
from portal.projects.overview import overview
from portal.specs import volumes_of
from stacks.errors import PortwrightError

RUNS_SHOWN = 8


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("projects/index.html", items=[overview(p) for p in get_projects()])


@blueprint.route("/projects/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("projects/new.html", given={"branch": "main"})
    given = {key: request.form.get(key, "").strip() for key in ("name", "repository", "branch")}
    try:
        project = create_owned(**given, owner=person())
    except PortwrightError as error:
        return render_template("projects/new.html", given=given, error=error), 422
    except Refused as error:
        return render_template("projects/new.html", given=given, error=error), 409
    flash(f"{project.name} is registered. Plan its first release to see what would be made.")
    return redirect(url_for("projects.project", name=project.name))


@blueprint.get("/projects/<name>")
def project(name: str) -> ResponseReturnValue:
    return render_template("projects/project.html", **project_page(get_project(name)))


def project_page(project: Project, **more: Any) -> dict[str, Any]:
    """What the project's page shows; `more` adds an error to it."""
    environment = production(project)
    releases = releases_of(db.session, environment)
    return {
        "project": project,
        "role": role_in(project),
        "now": overview(project),
        "runs": runs_of(db.session, environment, RUNS_SHOWN),
        "secrets": secret_versions(db.session, project),
        "members": members_of(project),
        "volumes": volumes_of(releases[0].spec, settings()) if releases else [],
        **more,
    }
