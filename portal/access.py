"""Who may see and do what: the only place that looks projects, runs and releases up for a person.

A stranger gets 404, as if nothing were there; a member whose role is too small gets 403.
"""

from __future__ import annotations

from typing import cast

from flask import Flask, abort, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from jobs.models import Environment, Member, Project, Release, Run, User
from jobs.queries import environment_named, release_numbered, standing
from portal.bearer import user_of_header
from portal.database import db
from portal.errors import Refused
from portal.locate import sign_in_url

ROLES = ("viewer", "developer", "maintainer", "owner")
NEEDS = {
    "read": "viewer",
    "plan": "developer",
    "deploy": "developer",
    "rollback": "developer",
    "refresh": "developer",
    "drift": "developer",
    "reconcile": "developer",
    "cancel": "developer",
    "approve": "maintainer",
    "environments": "maintainer",
    "secrets": "maintainer",
    "hooks": "maintainer",
    "deliveries": "developer",
    "source": "maintainer",
    "registries": "maintainer",
    "previews": "developer",
    "forks": "maintainer",
    "settings": "maintainer",
    "snapshots": "maintainer",
    "destroy": "owner",
    "delete": "owner",
    "place": "owner",
    "members": "owner",
}
PUBLIC = {
    "static",
    "health.healthz",
    "accounts.setup",
    "accounts.sign_in",
    "accounts.invitation",
    "api.login",
    "hooks.receive",
    "visiting.door",
}


def init_app(app: Flask) -> None:
    app.before_request(require_person)
    app.context_processor(lambda: {"may": may, "ROLES": ROLES, "in_environment": in_environment})


def require_person() -> ResponseReturnValue | None:
    """Close everything but the public pages. Under /api only reads accept a session."""
    if request.endpoint in PUBLIC or request.endpoint is None:
        return None
    if request.path.startswith("/api/"):
        header = request.headers.get("Authorization")
        if header is not None:
            g.person = user_of_header(header)
        elif request.method in ("GET", "HEAD") and current_user.is_authenticated:
            g.person = current_user.user
        if g.get("person") is None:
            abort(401)
        return None
    if not current_user.is_authenticated:
        return redirect(sign_in_url())
    g.person = current_user.user
    return None


def person() -> User:
    """The user of this request."""
    return cast(User, g.person)


def role_in(project: Project) -> str | None:
    """The person's role on the project, None for a stranger."""
    query = select(Member.role).where(
        Member.project_id == project.id, Member.user_id == person().id
    )
    return db.session.scalar(query)


def allows(role: str | None, action: str) -> bool:
    return role in ROLES and ROLES.index(role) >= ROLES.index(NEEDS[action])


def may(project: Project, action: str) -> bool:
    return allows(role_in(project), action)


def require(project: Project, action: str) -> None:
    """Raise 404 for a stranger, 403 for a member whose role is too small."""
    role = role_in(project)
    if not allows(role, "read"):
        abort(404)
    if not allows(role, action):
        raise Refused(
            403,
            f"Your role on {project.name} is {role}; this needs {NEEDS[action]}.",
            f"Ask an owner of {project.name} for the role {NEEDS[action]}.",
        )


def require_host_owner() -> None:
    """Raise 403 for anybody but the host's owner."""
    if not person().host_owner:
        raise Refused(403, "This is for the host's owner only.", "Ask the owner of this host.")


def get_projects() -> list[Project]:
    """The projects of which the person is a member, by name."""
    query = select(Project).join(Member, Member.project_id == Project.id)
    query = query.where(Member.user_id == person().id, Member.role.in_(ROLES))
    query = query.where(Project.name.not_like("%~%"))  # deleted
    return list(db.session.scalars(query.order_by(Project.name)))


def get_project(name: str, action: str = "read") -> Project:
    project = db.session.scalar(select(Project).where(Project.name == name))
    if project is None:
        abort(404)
    require(project, action)
    return project


def get_environment(name: str, action: str = "read") -> Environment:
    """The project's environment that the request names (production unless it does)."""
    return environment_in(get_project(name, action))


def environment_in(project: Project) -> Environment:
    """Raises 404 that names an environment which the project does not have."""
    asked = request.args.get("environment") or request.form.get("environment")
    if asked is None and request.is_json:
        body = request.get_json(silent=True)
        asked = body.get("environment") if isinstance(body, dict) else None
    found = environment_named(project, str(asked) if asked else None)
    if found is None:
        known = ", ".join(each.name for each in standing(project))
        raise Refused(
            404,
            f"{project.name} has no environment {str(asked)[:40]!r}.",
            f"Choose from {known}.",
            "environment",
        )
    return found


def in_environment(environment: Environment) -> dict[str, str]:
    """What an address needs to say of it: nothing for production."""
    return {} if environment.name == "production" else {"environment": environment.name}


def get_run(run_id: int, action: str = "read") -> Run:
    run = db.session.get(Run, run_id)
    if run is None:
        abort(404)
    require(run.environment.project, action)
    return run


def get_release(name: str, number: int, action: str = "read") -> Release:
    release = release_numbered(db.session, get_environment(name, action), number)
    if release is None:
        abort(404)
    return release
