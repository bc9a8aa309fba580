"""What the forms of the hosts' pages do."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jobs.hosts import labels, registry, trust
from jobs.hosts.check import check
from jobs.models import Host
from portal.access import person, require_host_owner
from portal.api.numbers import number
from portal.context import settings
from portal.database import db
from portal.hosts import blueprint
from portal.hosts.pages import listed, of_page, shown
from stacks.errors import PortwrightError


@blueprint.post("/hosts")
def add() -> ResponseReturnValue:
    require_host_owner()
    form = {key: value.strip() for key, value in request.form.items()}
    try:
        made = registry.add(
            db.session, settings(), form.get("name", ""), form.get("address", ""),
            by=person().email,
            http_port=number("http_port", form.get("http_port", ""), 1, 65_535),
            traefik_port=number("traefik_port", form.get("traefik_port", ""), 1, 65_535),
        )  # fmt: skip
    except PortwrightError as error:
        db.session.rollback()
        return listed(422, error=error, given=form)
    return redirect(url_for("hosts.one", host=made.name))


@blueprint.post("/hosts/<host>")
def act(host: str) -> ResponseReturnValue:
    """do: one of WORK; or `scan`, which shows the keys that it has now."""
    found = of_page(host)
    wished = request.form.get("do", "")
    try:
        if wished == "scan":
            return shown(found, keys=trust.scanned(found))
        work = WORK.get(wished)
        if work is None:
            raise PortwrightError("nothing is to be done", remedy="use the page's buttons")
        flash(work(found))
    except PortwrightError as error:
        db.session.rollback()
        return shown(found, 422, error=error)
    if wished == "remove":
        return redirect(url_for("hosts.index"))
    return redirect(url_for("hosts.one", host=host))


def confirm(host: Host) -> str:
    chosen = request.form.getlist("fingerprint")
    trust.confirm(db.session, settings(), host, chosen, by=person().email)
    return "Pinned: from now on it must show one of these keys. Test the connection next."


def test(host: Host) -> str:
    found = check(db.session, settings(), host)
    return "It can't be used yet: see below." if found.problem else "It can be used."


def label(host: Host) -> str:
    wanted = labels.read(request.form.get("labels", "").split())
    labels.label(db.session, host, wanted, by=person().email)
    return "The labels are kept."


def drain(host: Host) -> str:
    registry.drain(db.session, host, by=person().email)
    return "Drained: nothing new is placed there. What is there goes on, and can be deployed on."


def undrain(host: Host) -> str:
    registry.undrain(db.session, host, by=person().email)
    return "It takes new projects again."


def move(host: Host) -> str:
    address = request.form.get("address", "").strip()
    trust.move(db.session, settings(), host, address, by=person().email)
    return "The address is kept. Confirm the key that it shows there."


def remove(host: Host) -> str:
    registry.remove(db.session, settings(), host, by=person().email)
    return "It is removed, and its key is forgotten."


WORK: dict[str, Callable[[Host], str]] = {
    "confirm": confirm, "test": test, "label": label, "drain": drain, "undrain": undrain,
    "move": move, "remove": remove,
}  # fmt: skip
