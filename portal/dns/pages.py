"""The page 'DNS', for the host's owner only."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue

from jobs.dns import TOKEN, cloudflare, has_token, own_addresses
from jobs.previews import records as previews
from jobs.records import record
from portal.access import person, require_host_owner
from portal.context import settings
from portal.database import db
from portal.dns import blueprint
from portal.dns import wanted as dns
from stacks.errors import PortwrightError
from zones import manual
from zones.records import Record
from zones.resolver import Resolver


@blueprint.get("/dns")
def index() -> ResponseReturnValue:
    require_host_owner()
    return shown()


@blueprint.post("/dns")
def act() -> ResponseReturnValue:
    """do: `look` the records up, show the `plan` of what would be made at Cloudflare, or `make` them."""
    require_host_owner()
    wished = request.form.get("do", "")
    try:
        needed = asked()
        if wished == "look":
            return shown(found=manual.verify(needed, Resolver(seconds=3.0)))
        provider = cloudflare(settings())
        with provider.api:
            if wished != "make":
                return shown(changes=provider.preview(needed))
            done = provider.ensure(needed)
    except PortwrightError as error:
        return shown(422, error=error)
    told = [f"{each.action} {each.record.type} {each.record.name}" for each in done]
    record(db.session, person().email, "dns.made", None, records=told)
    db.session.commit()
    flash(f"Done: {', '.join(told)}." if told else "All of them were there already.")
    return shown()


def asked() -> list[Record]:
    """The records for what was typed, or for what is known. Raises PortwrightError."""
    typed = request.form.get("addresses", "").split()
    given = typed or own_addresses(settings())
    wildcard = request.method == "GET" or request.form.get("wildcard") == "1"
    return dns.records(settings(), given, wildcard)


def shown(code: int = 200, **more: Any) -> ResponseReturnValue:
    rows, missing = [], None
    try:
        rows = manual.table(asked(), settings().domain)
    except PortwrightError as error:
        missing = error
    page = render_template(
        "dns/index.html",
        domain=settings().domain,
        rows=rows,
        missing=missing,
        addresses=request.form.get("addresses", " ".join(own_addresses(settings()))),
        wildcard=request.method == "GET" or request.form.get("wildcard") == "1",
        token=settings().home / "keys" / TOKEN,
        has_token=has_token(settings()),
        previews=previews.known(settings()),
        **more,
    )
    return page, code
