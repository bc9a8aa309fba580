"""Requests to a preview that no container answers to. Traefik sends them here by their host name."""

from __future__ import annotations

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from jobs.visits import is_preview, preview_at, wake
from portal.context import settings
from portal.database import db

AGAIN = 2  # seconds


def init_app(app: Flask) -> None:
    """Before anything else looks at the request: no page of the portal is under such a name."""
    app.before_request(visited)


def visited() -> ResponseReturnValue | None:
    host = request.host.partition(":")[0].lower()
    if not is_preview(host, settings().domain):
        return None
    preview = preview_at(db.session, host)
    if preview is None:
        return answer(404, "There is no preview here", "It was closed, or is not built yet.")
    if preview.asleep:
        wake(db.session, preview)
    return answer(503, "This preview is waking up", "It takes a few seconds.", AGAIN)


def answer(code: int, message: str, words: str, again: int = 0) -> ResponseReturnValue:
    """A page that asks again by itself for browsers, Retry-After for all."""
    html = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    if html:
        page = render_template("visiting/wake.html", message=message, words=words, again=again)
        response = Response(page, code)
    else:
        response = jsonify(error={"path": "", "message": message, "remedy": words})
        response.status_code = code
    if again:
        response.headers["Retry-After"] = str(again)
    # Nothing of /static is under a preview's name.
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    response.headers["Cache-Control"] = "no-store"
    return response
