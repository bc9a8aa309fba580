"""Registering a project: whoever does it owns it. Pages and API share this."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from jobs.models import Project, User
from jobs.requests import create_project
from portal.database import db
from portal.errors import Refused


def create_owned(
    name: str, repository: str, branch: str, owner: User, host: str = "", host_label: str = ""
) -> Project:
    """Make the project and its owner's membership. Raises Refused(409) where the name is taken."""
    taken = Refused(409, f"A project {name!r} is there already.", "Choose another name.", "name")
    known = db.session.query(Project.id).filter_by(name=name).first()
    if known:
        raise taken
    try:
        project = create_project(
            db.session, name, repository, branch,
            by=owner.email, owner=owner, host=host, host_label=host_label,
        )  # fmt: skip
    except IntegrityError:
        db.session.rollback()
        raise taken from None
    return project
