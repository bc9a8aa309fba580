"""What the forms of the page 'Source' do."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jobs.host_keys import pin, scanned
from jobs.sources import keep, new_key
from portal.access import get_project, person
from portal.api.numbers import number
from portal.context import settings
from portal.database import db
from portal.sources import acting, blueprint
from portal.sources.pages import shown
from stacks.errors import PortwrightError

FIELDS = ("username", "password", "private_key", "token", "app_id", "app_key", "installation")


@blueprint.post("/projects/<name>/source")
def change(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    form = request.form
    try:
        forgotten = acting.change(
            project,
            kind=form.get("forge", ""),
            api_url=form.get("api_url", "").strip(),
            full_name=form.get("full_name", "").strip(),
            submodules=bool(form.get("submodules")),
            lfs=bool(form.get("lfs")),
            poll_minutes=number("poll_minutes", form.get("poll_minutes", ""), 0, 10_080),
        )
    except PortwrightError as error:
        db.session.rollback()
        return shown(project, 422, error=error)
    words = "The settings of the source are kept."
    if forgotten:
        words += " The forge's token was forgotten: it was for the address before. Enter it again."
    return done(name, words)


@blueprint.post("/projects/<name>/source/credentials")
def credentials(name: str) -> ResponseReturnValue:
    """Keep what was typed, forget what was ticked; what is empty stays as it is."""
    project = get_project(name, "source")
    typed = {field: request.form.get(field, "").replace("\r\n", "\n").strip() for field in FIELDS}
    given = {field: value for field, value in typed.items() if value}
    given |= {field: "" for field in request.form.getlist("forget")}
    try:
        keep(db.session, settings().key("vault-key"), project, given, by=person().email)
    except PortwrightError as error:
        db.session.rollback()
        return shown(project, 422, error=error)
    return done(name, "Kept, encrypted. Test the connection to see whether it does.")


@blueprint.post("/projects/<name>/source/key")
def key(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    new_key(db.session, settings().key("vault-key"), project, by=person().email)
    return done(name, "A new key is there. Give its public part read access at the forge.")


@blueprint.post("/projects/<name>/source/host-key")
def host_key(name: str) -> ResponseReturnValue:
    """Scan, or pin what was compared."""
    project = get_project(name, "source")
    compared = request.form.getlist("confirm")
    try:
        if not request.form.get("pin"):
            return shown(project, host_keys=scanned(settings(), project))
        pin(db.session, settings(), project, compared, by=person().email)
    except PortwrightError as error:
        db.session.rollback()
        return shown(project, 422, error=error)
    return done(name, "The host key is pinned; another one is refused from now on.")


@blueprint.post("/projects/<name>/source/test")
def test(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    return shown(project, tried=acting.tried(project))


@blueprint.post("/projects/<name>/source/poll")
def poll(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    try:
        acting.poll_now(project)
    except PortwrightError as error:
        return shown(project, 422, error=error)
    return done(name, "The worker looks at the repository within seconds.")


def done(name: str, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("sources.index", name=name))
