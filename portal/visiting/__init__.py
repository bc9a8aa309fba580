"""Visitors of previews: what they see while one wakes up, and the door of those for members only."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("visiting", __name__)

from portal.visiting import door, wake  # noqa: E402, F401

init_app = wake.init_app
