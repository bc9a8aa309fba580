"""Where forges tell of pushes: the hooks of a project, and what was sent to them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("hooks", __name__)

from portal.hooks import api, deliveries, pages, receive  # noqa: E402, F401
