"""/api/projects/<name>/previews: list, one, what may be done with it, and the settings of all."""

from __future__ import annotations

from typing import Any, Literal

from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.models import Preview
from jobs.previews.policy import policy_of, set_policy
from portal.access import get_project, person
from portal.api import blueprint as api
from portal.api.bodies import Body, body_as
from portal.api.numbers import number_in_query
from portal.database import db
from portal.previews.acting import act, get_preview, needs
from portal.previews.shape import preview_json
from portal.runs.shape import run_json


class Acted(Body):
    """hours: of extend. commit: of approve, all 40 digits of the one that was read."""

    hours: int | None = None
    commit: str | None = None


class SettingsChange(Body):
    enabled: bool | None = None
    most: int | None = None
    ttl_hours: int | None = None
    idle_minutes: int | None = None
    forks: Literal["off", "approve"] | None = None
    bases: list[str] | None = None
    share: list[str] | None = None
    protect: Literal["nobody", "password", "members"] | None = None


@api.get("/projects/<name>/previews")
def list_previews(name: str) -> ResponseReturnValue:
    """Those that are not closed; with ?closed=1 the newest 100 closed ones too."""
    project = get_project(name)
    query = select(Preview).where(Preview.project_id == project.id)
    if not number_in_query("closed", 0, highest=1):
        query = query.where(Preview.state != "closed")
    found = db.session.scalars(query.order_by(Preview.number.desc()).limit(200))
    return jsonify(previews=[preview_json(each) for each in found])


@api.get("/projects/<name>/previews/<int:number>")
def one_preview(name: str, number: int) -> ResponseReturnValue:
    return jsonify(preview=preview_json(get_preview(name, number)))


@api.post("/projects/<name>/previews/<int:number>/<action>")
def act_on_preview(name: str, number: int, action: str) -> ResponseReturnValue:
    preview = get_preview(name, number, needs(action))
    given = body_as(Acted)
    words, run = act(preview, action, hours=given.hours or 0, commit=given.commit or "")
    told = {"words": words, "run": run_json(run) if run else None}
    return jsonify(preview=preview_json(preview), **told), 202 if run else 200


@api.get("/projects/<name>/previews/settings")
def show_preview_settings(name: str) -> ResponseReturnValue:
    return jsonify(settings=policy_of(get_project(name)).model_dump(mode="json"))


@api.patch("/projects/<name>/previews/settings")
def change_preview_settings(name: str) -> ResponseReturnValue:
    project = get_project(name, "settings")
    given: dict[str, Any] = body_as(SettingsChange).model_dump(exclude_none=True)
    policy = set_policy(db.session, project, given, by=person().email)
    return jsonify(settings=policy.model_dump(mode="json"))
