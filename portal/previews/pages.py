"""The page 'Previews' of a project and its forms."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.models import Preview, Project
from jobs.previews.policy import EVERY_PREVIEW, policy_of, set_policy
from jobs.previews.prepare import PASSWORD
from jobs.queries import own_versions
from portal.access import get_project, person
from portal.api.numbers import number
from portal.database import db
from portal.previews import blueprint
from portal.previews.acting import act, get_preview, needs
from portal.previews.shape import preview_json
from stacks.errors import PortwrightError

CLOSED_SHOWN = 50
PROTECTION = {
    "nobody": "Everybody who has the address",
    "password": f"Who knows the password (the secret {PASSWORD})",
    "members": "Members of the project, signed in here",
}


@blueprint.get("/projects/<name>/previews")
def index(name: str) -> ResponseReturnValue:
    return shown(get_project(name))


def shown(project: Project, code: int = 200, **more: Any) -> ResponseReturnValue:
    query = select(Preview).where(Preview.project_id == project.id)
    live = db.session.scalars(query.where(Preview.state != "closed").order_by(Preview.number))
    closed = query.where(Preview.state == "closed").order_by(Preview.closed_at.desc())
    policy = policy_of(project)
    shared = own_versions(db.session, project.id, None)
    page = render_template(
        "previews/index.html",
        project=project,
        previews=[(each, preview_json(each)) for each in live],
        closed=list(db.session.scalars(closed.limit(CLOSED_SHOWN))),
        policy=policy,
        protection=PROTECTION,
        secrets=sorted({*shared, *policy.share}),
        own=own_versions(db.session, project.id, EVERY_PREVIEW),
        password=PASSWORD,
        **more,
    )
    return page, code


@blueprint.post("/projects/<name>/previews/<int:number>/<action>")
def change(name: str, number: int, action: str) -> ResponseReturnValue:
    preview = get_preview(name, number, needs(action))
    try:
        words, _ = act(
            preview, action, hours=hours_typed(action), commit=request.form.get("commit", "")
        )
    except PortwrightError as error:
        db.session.rollback()
        return shown(get_project(name), 422, error=error)
    flash(words)
    return redirect(url_for("previews.index", name=name))


def hours_typed(action: str) -> int:
    return number("hours", request.form.get("hours", ""), 1, 8760) if action == "extend" else 0


@blueprint.post("/projects/<name>/previews/settings")
def settings(name: str) -> ResponseReturnValue:
    project = get_project(name, "settings")
    form = request.form
    try:
        given = {
            "enabled": bool(form.get("enabled")),
            "most": number("most", form.get("most", ""), 1, 50),
            "ttl_hours": number("ttl_hours", form.get("ttl_hours", ""), 0, 8760),
            "idle_minutes": number("idle_minutes", form.get("idle_minutes", ""), 0, 10_080),
            "forks": "approve" if form.get("forks") else "off",
            "bases": form.get("bases", "").split(),
            "share": form.getlist("share"),
            "protect": form.get("protect", ""),
        }
        set_policy(db.session, project, given, by=person().email)
    except PortwrightError as error:
        db.session.rollback()
        return shown(project, 422, error=error)
    flash("The settings of previews are kept. They hold from the next push on.")
    return redirect(url_for("previews.index", name=name))
