"""Machines that projects are placed on: for the host's owner alone."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("hosts", __name__)

from portal.hosts import api, forms, pages  # noqa: E402, F401
