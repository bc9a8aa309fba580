"""A run's page, and the button that carries out the plan it shows."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.approval import approve, reject
from jobs.ending import cancel as cancel_run
from jobs.models import Run
from jobs.requests import request_run
from jobs.states import FINAL
from portal.access import get_run, in_environment, may, person
from portal.colours import coloured
from portal.context import doorbell, settings
from portal.database import db
from portal.errors import Refused
from portal.plans import SIGNS, shown, summary_words
from portal.runs import blueprint
from portal.runs.log import tail
from stacks.errors import PortwrightError


@blueprint.get("/runs/<int:run_id>")
def run(run_id: int) -> ResponseReturnValue:
    run = get_run(run_id)
    plan = shown(run.plan)
    start, log = tail(settings().run_log(run.id), final=run.state in FINAL, show=coloured)
    return render_template(
        "runs/run.html",
        run=run,
        project=run.environment.project,
        environment=run.environment,
        here=in_environment(run.environment),
        plan=plan,
        words=summary_words(plan["summary"]) if plan else [],
        signs=SIGNS,
        log_start=start,
        log=log,
        ready=can_apply(run),
    )


@blueprint.post("/runs/<int:run_id>/apply")
def apply(run_id: int) -> ResponseReturnValue:
    """Carry out what a plan run showed: same commit or release, bound to the plan's hash."""
    planned = get_run(run_id, "deploy")
    if not can_apply(planned):
        raise Refused(
            409, "This run holds no plan that can be carried out.", "Make a new plan first."
        )
    kind = "reconcile" if planned.kind == "drift" else "rollback" if planned.target else "deploy"
    new = request_run(
        db.session,
        doorbell(),
        planned.environment,
        kind,
        by=person().email,
        ref=planned.commit if kind == "deploy" else None,
        release=planned.target,
        plan=(planned.plan or {})["hash"],
        pull=kind == "deploy" and bool((planned.options or {}).get("pull")),
        no_cache=kind == "deploy" and bool((planned.options or {}).get("no_cache")),
        approved_by=person().email if may(planned.environment.project, "approve") else None,
    )
    return redirect(url_for("runs.run", run_id=new.id))


@blueprint.post("/runs/<int:run_id>/answer")
def answer(run_id: int) -> ResponseReturnValue:
    """The yes or no to the plan that a run waits with."""
    resting = get_run(run_id, "approve")
    try:
        if request.form.get("answer") == "yes":
            shown_hash = request.form.get("plan", "")
            approve(db.session, doorbell(), resting, shown_hash, by=person().email)
        else:
            reject(db.session, resting, by=person().email)
    except PortwrightError as error:
        flash(f"{error.message}: {error.remedy}.", "error")
    return redirect(url_for("runs.run", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/cancel")
def cancel(run_id: int) -> ResponseReturnValue:
    try:
        if cancel_run(db.session, get_run(run_id, "cancel"), by=person().email) != "cancelled":
            flash("It is being ended; what served before goes on serving.", "good")
    except PortwrightError as error:
        flash(f"{error.message}.", "error")
    return redirect(url_for("runs.run", run_id=run_id))


def can_apply(run: Run) -> bool:
    plan = run.plan or {}
    known = bool(run.commit) or run.target is not None
    waiting = run.kind in ("plan", "drift") and run.state == "succeeded"
    return waiting and known and bool(plan.get("steps")) and bool(plan.get("hash"))
