"""A run's page, and the button that carries out the plan it shows."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from jobs.models import Run
from jobs.requests import request_run
from jobs.states import FINAL
from portal.access import get_run, person
from portal.context import doorbell, settings
from portal.database import db
from portal.errors import Refused
from portal.plans import SIGNS, shown, summary_words
from portal.runs import blueprint
from portal.runs.log import tail


@blueprint.get("/runs/<int:run_id>")
def run(run_id: int) -> ResponseReturnValue:
    run = get_run(run_id)
    plan = shown(run.plan)
    start, log = tail(settings().run_log(run.id), final=run.state in FINAL)
    return render_template(
        "runs/run.html",
        run=run,
        project=run.environment.project,
        plan=plan,
        words=summary_words(plan["summary"]) if plan else [],
        signs=SIGNS,
        log_start=start,
        log=log,
        ready=can_apply(run),
    )


@blueprint.post("/runs/<int:run_id>/apply")
def apply(run_id: int) -> ResponseReturnValue:
    """Deploy what a plan run showed: same commit or release, bound to the plan's hash."""
    planned = get_run(run_id, "deploy")
    if not can_apply(planned):
        raise Refused(
            409, "This run holds no plan that can be carried out.", "Make a new plan first."
        )
    back = planned.target is not None
    new = request_run(
        db.session,
        doorbell(),
        planned.environment,
        "rollback" if back else "deploy",
        by=person().email,
        ref=None if back else planned.commit,
        release=planned.target,
        plan=(planned.plan or {})["hash"],
    )
    return redirect(url_for("runs.run", run_id=new.id))


def can_apply(run: Run) -> bool:
    plan = run.plan or {}
    known = bool(run.commit) or run.target is not None
    waiting = run.kind == "plan" and run.state == "succeeded"
    return waiting and known and bool(plan.get("steps")) and bool(plan.get("hash"))
