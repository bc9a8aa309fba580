"""The JSON API. Reads take a session or a token, writes a token only; see portal.access."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api")

from portal.api import environments, login, logs, projects, releases, runs, secrets  # noqa: E402, F401
