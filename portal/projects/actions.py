"""What the forms of a project's page do: ask for a run, set a secret, destroy."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.models import Project
from jobs.previews.policy import EVERY_PREVIEW
from jobs.requests import request_run, set_secret
from portal.access import environment_in, get_environment, get_project, in_environment, person
from portal.context import doorbell, settings
from portal.database import db
from portal.projects import blueprint
from portal.projects.pages import project_page
from stacks.errors import PortwrightError


@blueprint.post("/projects/<name>/runs")
def start_run(name: str) -> ResponseReturnValue:
    """Plan or deploy the newest commit of a branch, tag or SHA."""
    asked = request.form.get("kind", "plan")
    kind = asked if asked in ("plan", "deploy", "drift") else "plan"
    environment = get_environment(name, kind)
    try:
        run = request_run(
            db.session,
            doorbell(),
            environment,
            kind,
            by=person().email,
            ref=request.form.get("ref", "").strip() or None,
            pull=kind != "drift" and "pull" in request.form,
            no_cache=kind != "drift" and "no_cache" in request.form,
        )
    except PortwrightError as error:
        return failed(name, error)
    return redirect(url_for("runs.run", run_id=run.id))


@blueprint.post("/projects/<name>/secrets")
def keep_secret(name: str) -> ResponseReturnValue:
    project = get_project(name, "secrets")
    own = whose(project)
    secret = request.form.get("name", "").strip()
    try:
        version = set_secret(
            db.session,
            settings().key("vault-key"),
            project,
            secret,
            typed_or_uploaded(),
            by=person().email,
            environment=own,
        )
    except PortwrightError as error:
        return failed(name, error)
    flash(f"{secret} is now version {version}. The next deploy uses it.")
    here = in_environment(environment_in(project))
    return redirect(url_for("projects.project", name=name, _anchor="secrets", **here))


def typed_or_uploaded() -> str:
    """Return the secret's value: the uploaded file byte for byte, else the typed text.

    Browsers send the line breaks of typed text as CRLF whatever was typed; they become LF.
    """
    typed = request.form.get("value", "").replace("\r\n", "\n")
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return typed
    if typed:
        raise PortwrightError(
            "a value and a file were given", remedy="Type the value or choose a file.", path="value"
        )
    content: bytes = upload.read()
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PortwrightError(
            "the file is not UTF-8 text and cannot be stored unchanged",
            remedy="Encode the file, for example with base64, and decode it in the application.",
            path="file",
        ) from None


def whose(project: Project) -> str | None:
    """Of which environment the secret is: this one's, every preview's, or None for all."""
    asked = request.form.get("own", "")
    if asked == EVERY_PREVIEW:
        return EVERY_PREVIEW
    return environment_in(project).name if asked else None


@blueprint.post("/projects/<name>/destroy")
def destroy(name: str) -> ResponseReturnValue:
    environment = get_environment(name, "destroy")
    project = environment.project
    if request.form.get("confirm", "").strip() != project.name:
        wrong = PortwrightError(
            "the typed name is not the project's", remedy=f"type {project.name}", path="confirm"
        )
        return failed(name, wrong)
    try:
        run = request_run(
            db.session,
            doorbell(),
            environment,
            "destroy",
            by=person().email,
            volumes=request.form.getlist("volumes"),
        )
    except PortwrightError as error:
        return failed(name, error)
    return redirect(url_for("runs.run", run_id=run.id))


def failed(name: str, error: PortwrightError) -> ResponseReturnValue:
    """The project's page again, with what was wrong."""
    page = project_page(get_project(name), error=error)
    return render_template("projects/project.html", **page), 422
