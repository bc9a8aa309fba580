"""The queue: what is at work, what waits, why, and for how long about."""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.expected import Place, places
from jobs.models import Run
from jobs.pressure import shortage
from jobs.states import ACTIVE
from portal.access import get_projects
from portal.api import blueprint as api
from portal.context import settings
from portal.database import db
from portal.runs import blueprint
from portal.runs.shape import run_json


def mine() -> tuple[list[Run], list[Place], int]:
    """Active and waiting Runs of the person's projects, and how many others wait."""
    projects = {project.id for project in get_projects()}
    active = db.session.scalars(select(Run).where(Run.state.in_(ACTIVE)).order_by(Run.id))
    line = places(db.session, settings())
    waiting = [each for each in line if each.run.environment.project_id in projects]
    return (
        [run for run in active if run.environment.project_id in projects],
        waiting,
        len(line) - len(waiting),
    )


@blueprint.get("/queue")
def queue() -> ResponseReturnValue:
    active, waiting, others = mine()
    return render_template(
        "runs/queue.html",
        active=active,
        waiting=waiting,
        others=others,
        short=shortage(settings()),
        capacity=settings().workers,
    )


@api.get("/queue")
def queue_api() -> ResponseReturnValue:
    """Positions count over the whole host; runs of projects that are not one's own are not shown."""
    active, waiting, others = mine()
    return jsonify(
        active=[run_json(run) for run in active],
        waiting=[place_json(each) for each in waiting],
        others=others,
        short=shortage(settings()) or None,
    )


def place_json(place: Place) -> dict[str, Any]:
    return {
        **run_json(place.run),
        "position": place.position,
        "reason": place.reason or None,
        "wait_s": None if place.wait_s is None else round(place.wait_s),
    }
