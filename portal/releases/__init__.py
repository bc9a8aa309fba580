"""Releases: the history of a project, one release, and the way back to it."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("releases", __name__)

from portal.releases import pages  # noqa: E402, F401
