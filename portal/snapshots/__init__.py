"""Snapshots: what is kept of an environment's data, for new previews to start from."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("snapshots", __name__)

from portal.snapshots import pages  # noqa: E402, F401
