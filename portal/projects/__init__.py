"""Projects: the list, a project's page, its secrets, members and danger zone."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("projects", __name__)

from portal.projects import actions, environments, logs, members, pages  # noqa: E402, F401
