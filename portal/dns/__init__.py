"""DNS of the host: which records its domain needs, whether they answer, and making them."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("dns", __name__)

from portal.dns import pages  # noqa: E402, F401
