"""Previews for members only. Traefik asks the door about each request (forwardAuth): who has no pass
is sent to the portal, which knows its members, and comes back with a ticket for one host.

A pass is a cookie of the preview's host, signed here, for a day at most; it opens that host only,
and each request looks at the membership again.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import Response, abort, current_app, redirect, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select

from jobs.models import Member, Preview
from jobs.visits import is_preview, preview_at
from portal.access import person, require
from portal.context import settings
from portal.database import db
from portal.visiting import blueprint

ENTRANCE = "/_portwright/enter"
COOKIE = "portwright-preview"
TICKET_SECONDS, PASS_SECONDS = 60, 86_400


def signer(salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"preview-{salt}")


def opened(salt: str, text: str | None, seconds: int, host: str) -> int | None:
    """The user's id in a ticket or pass that is for this host; None where it is no good."""
    try:
        told = signer(salt).loads(text or "", max_age=seconds)
        return int(told["user"]) if told["host"] == host else None
    except (BadSignature, KeyError, TypeError, ValueError):
        return None


@blueprint.get("/previews/door")
def door() -> ResponseReturnValue:
    """204 lets the request through; anything else is what the visitor gets."""
    at = request.headers.get("X-Forwarded-Host", "")
    host = at.partition(":")[0].lower()
    preview = preview_at(db.session, host) if is_preview(host, settings().domain) else None
    if preview is None:
        abort(404)
    asked = urlsplit(request.headers.get("X-Forwarded-Uri", "/"))
    secure = request.headers.get("X-Forwarded-Proto") == "https"
    if asked.path == ENTRANCE:
        return enter(host, preview, asked.query, secure)
    user = opened("pass", request.cookies.get(COOKIE), PASS_SECONDS, host)
    if user is not None and is_member(preview, user):
        return Response(status=204)
    here = f"{'https' if secure else 'http'}://{at}"
    return redirect(f"{settings().portal_url}/previews/ticket?for={quote(here, safe='')}", 302)


def enter(host: str, preview: Preview, query: str, secure: bool) -> ResponseReturnValue:
    user = opened("ticket", query.removeprefix("ticket="), TICKET_SECONDS, host)
    if user is None or not is_member(preview, user):
        abort(403)
    response = redirect("/", 302)
    response.set_cookie(
        COOKIE, str(signer("pass").dumps({"user": user, "host": host})), max_age=PASS_SECONDS,
        httponly=True, secure=secure, samesite="Lax",
    )  # fmt: skip
    return response


def is_member(preview: Preview, user: int) -> bool:
    query = select(Member.id).where(Member.project_id == preview.project_id, Member.user_id == user)
    return db.session.scalar(query) is not None


@blueprint.get("/previews/ticket")
def ticket() -> ResponseReturnValue:
    """For who is signed in here: a ticket to the preview that sent them."""
    where = urlsplit(request.args.get("for", ""))
    host = (where.hostname or "").lower()
    if where.scheme not in ("http", "https") or not is_preview(host, settings().domain):
        abort(404)
    preview = preview_at(db.session, host)
    if preview is None:
        abort(404)
    require(preview.project, "read")
    told = signer("ticket").dumps({"user": person().id, "host": host})
    port = f":{where.port}" if where.port else ""
    return redirect(f"{where.scheme}://{host}{port}{ENTRANCE}?ticket={told}", 302)
