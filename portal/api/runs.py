"""/api/projects/<name>/runs and /api/runs/<id>."""

from __future__ import annotations

from flask import Response, abort, jsonify
from flask.typing import ResponseReturnValue

from jobs.approval import approve, reject
from jobs.ending import cancel
from jobs.queries import runs_of
from jobs.requests import request_run
from portal.access import get_environment, get_project, get_run, may, person
from portal.api import blueprint
from portal.api.bodies import Approval, NewRun, body_as
from portal.api.numbers import number_in_query
from portal.context import doorbell
from portal.database import db
from portal.runs.shape import run_json
from stacks.errors import PortwrightError
from stacks.render import markdown, text

TAKES = {
    "ref": ("plan", "deploy"),
    "release": ("plan", "rollback"),
    "plan": ("deploy", "rollback", "reconcile"),
    "volumes": ("destroy",),
    "pull": ("plan", "deploy"),
    "no_cache": ("plan", "deploy"),
}


@blueprint.post("/projects/<name>/runs")
def add_run(name: str) -> ResponseReturnValue:
    get_project(name)
    given = body_as(NewRun)
    environment = get_environment(name, given.kind)
    check_fields(given)
    run = request_run(
        db.session,
        doorbell(),
        environment,
        given.kind,
        by=person().email,
        ref=given.ref,
        release=given.release,
        plan=given.plan,
        volumes=given.volumes,
        pull=given.pull,
        no_cache=given.no_cache,
        approved_by=person().email if may(environment.project, "approve") else None,
    )
    return jsonify(run=run_json(run, whole=True)), 202


def check_fields(given: NewRun) -> None:
    """Raise where a field has no meaning for the kind of run."""
    for field, kinds in TAKES.items():
        if getattr(given, field) and given.kind not in kinds:
            raise PortwrightError(
                f"a run of kind {given.kind} takes no {field}",
                remedy=f"leave {field} out; it goes with {' and '.join(kinds)}",
                path=field,
            )
    for field in ("pull", "no_cache"):
        if getattr(given, field) and given.release:
            raise PortwrightError(
                f"a rollback uses the images of its release and takes no {field}",
                remedy=f"leave {field} out",
                path=field,
            )
    if given.ref and given.release:
        raise PortwrightError(
            "ref and release exclude each other", remedy="give one of them", path="ref"
        )


@blueprint.get("/projects/<name>/runs")
def list_runs(name: str) -> ResponseReturnValue:
    limit = number_in_query("limit", 20, lowest=1, highest=200)
    environment = get_environment(name)
    found = runs_of(db.session, environment, limit)
    return jsonify(runs=[run_json(run) for run in found])


@blueprint.get("/runs/<int:run_id>")
def one_run(run_id: int) -> ResponseReturnValue:
    return jsonify(run=run_json(get_run(run_id), whole=True))


@blueprint.post("/runs/<int:run_id>/approve")
def approve_run(run_id: int) -> ResponseReturnValue:
    run = get_run(run_id, "approve")
    approve(db.session, doorbell(), run, body_as(Approval).plan, by=person().email)
    return jsonify(run=run_json(run)), 202


@blueprint.post("/runs/<int:run_id>/reject")
def reject_run(run_id: int) -> ResponseReturnValue:
    run = get_run(run_id, "approve")
    reject(db.session, run, by=person().email)
    return jsonify(run=run_json(run))


@blueprint.post("/runs/<int:run_id>/cancel")
def cancel_run(run_id: int) -> ResponseReturnValue:
    """202 where its worker ends it within seconds, 200 where it is cancelled already."""
    run = get_run(run_id, "cancel")
    state = cancel(db.session, run, by=person().email)
    return jsonify(run=run_json(run)), 200 if state == "cancelled" else 202


@blueprint.get("/runs/<int:run_id>/plan.<any(md, txt):form>")
def plan_as(run_id: int, form: str) -> ResponseReturnValue:
    """The plan as Markdown (`md`) or text (`txt`)."""
    run = get_run(run_id)
    write = {"md": markdown, "txt": text}.get(form)
    if write is None or not run.plan:
        abort(404)
    kind = "text/markdown" if form == "md" else "text/plain"
    return Response(write(run.plan), mimetype=kind)
