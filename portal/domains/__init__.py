"""Domains: the hosts of the release that serves, their certificates, and whether they lead here."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("domains", __name__)

from portal.domains import pages  # noqa: E402, F401
