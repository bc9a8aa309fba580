"""Where forges tell of pushes."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("hooks", __name__)

from portal.hooks import api, receive  # noqa: E402, F401
