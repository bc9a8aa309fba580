"""The page 'Source' of a project."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from forges.registry import FORGES
from jobs.models import Project
from jobs.sources import source_of
from portal.access import get_project
from portal.database import db
from portal.sources import blueprint
from portal.sources.shape import source_json


@blueprint.get("/projects/<name>/source")
def index(name: str) -> ResponseReturnValue:
    return shown(get_project(name))


def shown(project: Project, code: int = 200, **more: Any) -> ResponseReturnValue:
    """The page; `more` adds an error, what a test found, or host keys to compare."""
    source = source_of(db.session, project)
    page = render_template(
        "sources/index.html",
        project=project,
        source=source_json(project),
        kept=source is not None,
        polled_at=source.polled_at if source else None,
        forges=FORGES,
        **more,
    )
    return page, code
