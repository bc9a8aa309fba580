"""Credentials of registries, per project: page and API.

Passwords, tokens and commands only come in; hosts, user names and certificates' dates go out.
"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("registries", __name__)

from portal.registries import api, pages  # noqa: E402, F401
