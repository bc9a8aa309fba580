"""The page 'Snapshots' of a project, its forms, and the same as JSON."""

from __future__ import annotations

import shlex
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from jobs.front import front_of
from jobs.models import Project
from jobs.queries import production, release_numbered, standing
from jobs.snapshots import Snapshot, listed, remove, take
from portal.access import environment_in, get_project, person
from portal.api import blueprint as api
from portal.api.bodies import Body, body_as
from portal.context import doorbell, settings
from portal.database import db
from portal.runs.shape import run_json
from portal.snapshots import blueprint
from portal.specs import services_of
from stacks.errors import PortwrightError


class NewSnapshot(Body):
    """command: arguments, not a shell's line. environment: production unless named."""

    name: str
    service: str
    command: list[str] = Field(min_length=1, max_length=100)
    environment: str | None = None


@blueprint.get("/projects/<name>/snapshots")
def index(name: str) -> ResponseReturnValue:
    return shown(get_project(name))


def shown(project: Project, code: int = 200, **more: Any) -> ResponseReturnValue:
    serving = production(project)
    release = release_numbered(db.session, serving, serving.release)
    page = render_template(
        "snapshots/index.html",
        project=project,
        snapshots=listed(settings(), project),
        environments=standing(project),
        services=services_of(release.spec, front_of(project.host, settings())) if release else [],
        given=request.form,
        **more,
    )
    return page, code


@blueprint.post("/projects/<name>/snapshots")
def create(name: str) -> ResponseReturnValue:
    project = get_project(name, "snapshots")
    form = request.form
    try:
        run = take(
            db.session,
            doorbell(),
            environment_in(project),
            form.get("name", "").strip(),
            form.get("service", "").strip(),
            words_of(form.get("command", "")),
            by=person().email,
        )
    except PortwrightError as error:
        db.session.rollback()
        return shown(project, 422, error=error)
    return redirect(url_for("runs.run", run_id=run.id))


def words_of(line: str) -> list[str]:
    """Arguments as a shell would split them; none of its other powers."""
    try:
        return shlex.split(line)
    except ValueError:
        raise PortwrightError(
            "a quotation mark is not closed", remedy="close it", path="command"
        ) from None


@blueprint.post("/projects/<name>/snapshots/<snapshot>/remove")
def delete(name: str, snapshot: str) -> ResponseReturnValue:
    project = get_project(name, "snapshots")
    try:
        remove(db.session, settings(), project, snapshot, by=person().email)
    except PortwrightError as error:
        return shown(project, 422, error=error)
    flash(f"Snapshot {snapshot} is removed.")
    return redirect(url_for("snapshots.index", name=name))


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    at = snapshot.taken_at.isoformat(timespec="seconds")
    return {"name": snapshot.name, "size": snapshot.size, "taken_at": at}


@api.get("/projects/<name>/snapshots")
def list_snapshots(name: str) -> ResponseReturnValue:
    found = listed(settings(), get_project(name))
    return jsonify(snapshots=[snapshot_json(each) for each in found])


@api.post("/projects/<name>/snapshots")
def take_snapshot(name: str) -> ResponseReturnValue:
    project = get_project(name, "snapshots")
    given = body_as(NewSnapshot)
    there = environment_in(project)
    run = take(
        db.session, doorbell(), there, given.name, given.service, given.command, by=person().email
    )
    return jsonify(run=run_json(run)), 202


@api.delete("/projects/<name>/snapshots/<snapshot>")
def remove_snapshot(name: str, snapshot: str) -> ResponseReturnValue:
    project = get_project(name, "snapshots")
    remove(db.session, settings(), project, snapshot, by=person().email)
    return "", 204
