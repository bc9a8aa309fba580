"""Previews of a project: the list, what may be done with one, and the project's settings of them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("previews", __name__)

from portal.previews import api, pages  # noqa: E402, F401
