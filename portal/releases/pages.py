"""The history and a release's page; rolling back goes through a run like everything else."""

from __future__ import annotations

import json

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from jobs.front import front_of
from jobs.queries import releases_of
from jobs.requests import request_run
from portal.access import get_environment, get_release, in_environment, person
from portal.context import doorbell, settings
from portal.database import db
from portal.plans import SIGNS, shown, summary_words
from portal.releases import blueprint
from portal.specs import services_of


@blueprint.get("/projects/<name>/releases")
def index(name: str) -> ResponseReturnValue:
    environment = get_environment(name)
    return render_template(
        "releases/index.html",
        project=environment.project,
        environment=environment,
        here=in_environment(environment),
        current=environment.release,
        releases=releases_of(db.session, environment),
    )


@blueprint.get("/projects/<name>/releases/<int:number>")
def release(name: str, number: int) -> ResponseReturnValue:
    release = get_release(name, number)
    plan = shown(release.run.plan)
    environment = get_environment(name)
    return render_template(
        "releases/release.html",
        project=environment.project,
        environment=environment,
        here=in_environment(environment),
        release=release,
        current=environment.release,
        services=services_of(release.spec, front_of(environment.project.host, settings())),
        spec=json.dumps(release.spec, indent=2, ensure_ascii=False),
        plan=plan,
        words=summary_words(plan["summary"]) if plan else [],
        signs=SIGNS,
    )


@blueprint.post("/projects/<name>/releases/<int:number>/preview")
def preview(name: str, number: int) -> ResponseReturnValue:
    return start(name, number, "plan")


@blueprint.post("/projects/<name>/releases/<int:number>/rollback")
def rollback(name: str, number: int) -> ResponseReturnValue:
    return start(name, number, "rollback")


def start(name: str, number: int, kind: str) -> ResponseReturnValue:
    """Ask for a run that goes back to the release, or previews it."""
    release = get_release(name, number, kind)
    run = request_run(
        db.session,
        doorbell(),
        get_environment(name, kind),
        kind,
        by=person().email,
        release=release.number,
    )
    return redirect(url_for("runs.run", run_id=run.id))
