"""Backups of the platform: for the host's owner alone."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("backups", __name__)

from portal.backups import pages  # noqa: E402, F401
