"""Where a project's code comes from: settings, credentials, keys, and whether it can be read."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("sources", __name__)

from portal.sources import api, forms, pages  # noqa: E402, F401
