"""The pages of projects: list, new, one."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.models import Environment, Preview, Project, Run
from jobs.queries import (
    drift_of,
    release_numbered,
    releases_of,
    runs_of,
    secret_versions,
    standing,
)
from portal.access import (
    environment_in,
    get_environment,
    get_project,
    get_projects,
    in_environment,
    person,
    role_in,
)
from portal.database import db
from portal.errors import Refused
from portal.projects import blueprint
from portal.projects.create import create_owned
from portal.projects.members import members_of
from portal.projects.overview import overview
from portal.projects.policies import POLICY_WORDS
from portal.projects.pushes import pushes_of
from portal.specs import volumes_of
from stacks.errors import PortwrightError
from stacks.picture import picture
from stacks.spec import Spec

RUNS_SHOWN = 8


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("projects/index.html", items=[overview(p) for p in get_projects()])


@blueprint.route("/projects/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("projects/new.html", given={"branch": "main"})
    fields = ("name", "repository", "branch", "host", "host_label")
    given = {key: request.form.get(key, "").strip() for key in fields}
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


@blueprint.get("/projects/<name>/graph.svg")
def graph(name: str) -> ResponseReturnValue:
    """Who needs whom in the release that serves."""
    environment = get_environment(name)
    release = release_numbered(db.session, environment, environment.release)
    if release is None:
        abort(404)
    return Response(picture(Spec.model_validate(release.spec)), mimetype="image/svg+xml")


def drift_found(environment: Environment) -> Run | None:
    """The newest look at the host since the release, where it found something."""
    run = drift_of(db.session, environment)
    return run if run and (run.plan or {}).get("steps") else None


def preview_of(environment: Environment) -> Preview | None:
    """The pull request that the environment shows; None of a standing one."""
    if environment.kind == "standing":
        return None
    return db.session.query(Preview).filter_by(environment_id=environment.id).one_or_none()


def project_page(project: Project, **more: Any) -> dict[str, Any]:
    """What the project's page shows; `more` adds an error to it."""
    environment = environment_in(project)
    releases = releases_of(db.session, environment)
    return {
        "project": project,
        "environment": environment,
        "here": in_environment(environment),
        "policies": POLICY_WORDS,
        "standing": standing(project),
        "preview": preview_of(environment),
        "pushes": pushes_of(environment),
        "role": role_in(project),
        "now": overview(project, environment),
        "drift": drift_found(environment),
        "runs": runs_of(db.session, environment, RUNS_SHOWN),
        "secrets": secret_versions(db.session, project, environment.name),
        "members": members_of(project),
        "volumes": volumes_of(releases[0].spec) if releases else [],
        **more,
    }
