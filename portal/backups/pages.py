"""The page and the API: how backups stand, and asking for one. Workers take them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.backup.asked import WHAT, ask
from jobs.backup.status import Status, status
from portal.access import person
from portal.api import blueprint as api
from portal.api.bodies import Body, body_as
from portal.backups import blueprint
from portal.context import settings
from portal.database import db
from portal.errors import Refused
from stacks.errors import PortwrightError


class Asked(Body):
    what: str


def owner_only() -> None:
    if not person().host_owner:
        raise Refused(403, "Backups are for the host's owner.", "Ask the owner of this host.")


@blueprint.get("/backups")
def index(error: PortwrightError | None = None) -> ResponseReturnValue:
    owner_only()
    page = render_template("backups/index.html", now=status(db.session, settings()), error=error)
    return page, 422 if error else 200


@blueprint.post("/backups")
def start() -> ResponseReturnValue:
    owner_only()
    what = request.form.get("what", "")
    try:
        begin(what)
    except PortwrightError as error:
        return index(error)
    flash(f"A {what} is asked for: a worker begins within seconds.")
    return redirect(url_for("backups.index"))


@api.get("/backups")
def backups_api() -> ResponseReturnValue:
    owner_only()
    return jsonify(backups=as_json(status(db.session, settings())))


@api.post("/backups")
def ask_backup() -> ResponseReturnValue:
    """{"what": one of jobs.backup.asked.WHAT}"""
    owner_only()
    begin(body_as(Asked).what)
    return jsonify(backups=as_json(status(db.session, settings()))), 202


def begin(what: str) -> None:
    if what not in WHAT:
        raise PortwrightError(
            f"{what[:40]!r} can't be asked for", remedy=f"use one of {', '.join(WHAT)}", path="what"
        )
    ask(db.session, settings(), what, by=person().email)


def as_json(now: Status) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return {key: plain(value) for key, value in asdict(now).items()}
