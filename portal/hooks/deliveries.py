"""What was sent to a project's hooks: the newest, one of them, and working it through again."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.deliveries import redeliver
from jobs.models import Delivery, Hook, Project, Run
from portal.access import get_project, person
from portal.api import blueprint as api
from portal.api.numbers import number_in_query
from portal.context import doorbell, settings
from portal.database import db
from portal.hooks import blueprint
from portal.runs.shape import iso, run_json
from stacks.errors import PortwrightError

MOST = 100
MOST_SHOWN = 64 * 1024


def newest(project: Project, limit: int = MOST) -> list[Delivery]:
    query = select(Delivery).join(Hook).where(Hook.project_id == project.id)
    return list(db.session.scalars(query.order_by(Delivery.id.desc()).limit(limit)))


def runs_of(deliveries: list[Delivery]) -> dict[int, list[Run]]:
    """By delivery's id, in their order."""
    ids = [each.id for each in deliveries]
    found: dict[int, list[Run]] = {each: [] for each in ids}
    for run in db.session.scalars(select(Run).where(Run.delivery_id.in_(ids)).order_by(Run.id)):
        found[run.delivery_id or 0].append(run)
    return found


def get_delivery(name: str, delivery_id: int) -> Delivery:
    project = get_project(name, "deliveries")
    delivery = db.session.get(Delivery, delivery_id)
    if delivery is None or delivery.hook.project_id != project.id:
        abort(404)
    return delivery


def payload(delivery: Delivery) -> str | None:
    """As JSON with a field a line, up to 64 Ki characters; None once it is no longer kept."""
    if delivery.body is None:
        return None
    try:
        text = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = delivery.body.decode(errors="replace")
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "\n… cut here"


def delivery_json(delivery: Delivery, runs: list[Run], *, whole: bool = False) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": delivery.id,
        "hook": delivery.hook_id,
        "event": delivery.event,
        "outcome": delivery.outcome,
        "runs": [run.id for run in runs],
        "received_at": iso(delivery.received_at),
        "redelivery_of": delivery.redelivery_of,
        "kept": delivery.body is not None,
    }
    return {**facts, "headers": delivery.headers, "payload": payload(delivery)} if whole else facts


@blueprint.get("/projects/<name>/deliveries")
def deliveries(name: str) -> ResponseReturnValue:
    project = get_project(name, "deliveries")
    found = newest(project)
    return render_template(
        "hooks/deliveries.html", project=project, deliveries=found, runs=runs_of(found)
    )


@blueprint.get("/projects/<name>/deliveries/<int:delivery_id>")
def delivery(name: str, delivery_id: int) -> ResponseReturnValue:
    found = get_delivery(name, delivery_id)
    return render_template(
        "hooks/delivery.html",
        project=found.hook.project,
        delivery=found,
        runs=runs_of([found])[found.id],
        payload=payload(found),
    )


@blueprint.post("/projects/<name>/deliveries/<int:delivery_id>/again")
def again(name: str, delivery_id: int) -> ResponseReturnValue:
    found = get_delivery(name, delivery_id)
    there = url_for("hooks.delivery", name=name, delivery_id=found.id)
    try:
        outcome = redeliver(db.session, doorbell(), settings(), found, by=person().email)
    except PortwrightError as error:
        db.session.rollback()
        flash(f"{error.message}: {error.remedy}.", "error")
        return redirect(there)
    flash(f"Worked through again: {outcome.words}.")
    made = outcome.delivery.id if outcome.delivery else found.id
    return redirect(url_for("hooks.delivery", name=name, delivery_id=made))


@api.get("/projects/<name>/deliveries")
def list_deliveries(name: str) -> ResponseReturnValue:
    project = get_project(name, "deliveries")
    found = newest(project, number_in_query("limit", 20, lowest=1, highest=MOST))
    runs = runs_of(found)
    return jsonify(deliveries=[delivery_json(each, runs[each.id]) for each in found])


@api.get("/projects/<name>/deliveries/<int:delivery_id>")
def one_delivery(name: str, delivery_id: int) -> ResponseReturnValue:
    found = get_delivery(name, delivery_id)
    return jsonify(delivery=delivery_json(found, runs_of([found])[found.id], whole=True))


@api.post("/projects/<name>/deliveries/<int:delivery_id>/redeliver")
def redeliver_one(name: str, delivery_id: int) -> ResponseReturnValue:
    """202 with the runs that came of it; 200 where nothing is to be done."""
    found = get_delivery(name, delivery_id)
    outcome = redeliver(db.session, doorbell(), settings(), found, by=person().email)
    told = {"result": outcome.words, "runs": [run_json(run) for run in outcome.runs]}
    made = outcome.delivery.id if outcome.delivery else None
    return jsonify(**told, delivery=made), 202 if outcome.runs else 200
