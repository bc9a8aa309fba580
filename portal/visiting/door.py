"""Previews for members only. Traefik asks the door about each request (forwardAuth): who has no pass
is sent to the portal, which knows its members, and comes back with a ticket for one host.

A ticket is good for one use within a minute. A pass is a cookie of the preview's host, signed here,
for a day at most; it opens that host only, and each request looks at the membership again.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.models import Member, Preview
from jobs.visits import is_preview, preview_at
from portal.access import person, require
from portal.context import settings
from portal.database import db
from portal.security import is_local
from portal.visiting import blueprint
from portal.visiting.once import first_use
from portal.visiting.tickets import opened, signed

ENTRANCE = "/_portwright/enter"
COOKIE = "portwright-preview"
USED = "run/tickets"
LONGEST_PATH = 2000
PORT = re.compile(r"[0-9]{0,5}")
TICKET_SECONDS, PASS_SECONDS = 60, 86_400


@blueprint.get("/previews/door")
def door() -> ResponseReturnValue:
    """204 lets the request through; anything else is what the visitor gets."""
    at = request.headers.get("X-Forwarded-Host", "").lower()
    host, _, port = at.partition(":")
    named = is_preview(host, settings().domain) and PORT.fullmatch(port)
    preview = preview_at(db.session, host) if named else None
    if preview is None:
        abort(404)
    asked = request.headers.get("X-Forwarded-Uri", "/")
    path, _, query = asked.partition("?")
    secure = request.headers.get("X-Forwarded-Proto") == "https"
    here = f"{'https' if secure else 'http'}://{at}"
    if path == ENTRANCE:
        return enter(host, preview, query, here)
    known = opened("pass", request.cookies.get(COOKIE), PASS_SECONDS, host)
    if known is not None and is_member(preview, known[0]):
        return Response(status=204)
    wanted = quote(here + led_back(asked), safe="")
    return redirect(f"{settings().portal_url}/previews/ticket?for={wanted}", 302)


def led_back(asked: str) -> str:
    """Path and query that a visitor wanted to see; `/` for what can't be led back to."""
    return asked if is_local(asked) and len(asked) <= LONGEST_PATH else "/"


def enter(host: str, preview: Preview, query: str, here: str) -> ResponseReturnValue:
    """here: the preview's address; to Traefik a Location without one is the portal's own."""
    given = dict(parse_qsl(query))
    known = opened("ticket", given.get("ticket"), TICKET_SECONDS, host)
    if known is None or not is_member(preview, known[0]):
        abort(403)
    if not first_use(settings().home / USED, known[1], 2 * TICKET_SECONDS):
        abort(403)
    response = redirect(here + led_back(given.get("to", "/")), 302)
    response.set_cookie(
        COOKIE, signed("pass", known[0], host), max_age=PASS_SECONDS,
        httponly=True, secure=here.startswith("https:"), samesite="Lax",
    )  # fmt: skip
    return response


def is_member(preview: Preview, user: int) -> bool:
    query = select(Member.id).where(Member.project_id == preview.project_id, Member.user_id == user)
    return db.session.scalar(query) is not None


@blueprint.get("/previews/ticket")
def ticket() -> ResponseReturnValue:
    """For who is signed in here: a ticket to the preview that sent them.

    On a page that leads on, and no redirect: who has just signed in comes by a form, and a form's
    redirects stay on this host (CSP: form-action, https://www.w3.org/TR/CSP3/#directive-form-action).
    """
    try:
        where = urlsplit(request.args.get("for", ""))
        host, at = (where.hostname or "").lower(), where.port
    except ValueError:  # no address, or a port that is none
        abort(404)
    if where.scheme not in ("http", "https") or not is_preview(host, settings().domain):
        abort(404)
    preview = preview_at(db.session, host)
    if preview is None:
        abort(404)
    require(preview.project, "read")
    told = signed("ticket", person().id, host)
    port = f":{at}" if at else ""
    page = where.path + (f"?{where.query}" if where.query else "")
    query = urlencode({"ticket": told, "to": led_back(page)})
    address = f"{where.scheme}://{host}{port}{ENTRANCE}?{query}"
    return render_template("visiting/enter.html", address=address, host=host)
