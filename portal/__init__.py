"""The portal: pages and a JSON API over the database. It runs nothing itself; workers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from jobs.doorbell import doorbell as redis_doorbell
from jobs.settings import Settings
from portal import (
    access,
    accounts,
    api,
    backups,
    database,
    dns,
    domains,
    errors,
    health,
    hooks,
    hosts,
    previews,
    projects,
    registries,
    releases,
    runs,
    snapshots,
    sources,
    visiting,
)
from portal import filters as page_filters
from portal.security import add_headers


def create_app(
    settings: Settings | None = None,
    *,
    doorbell: Callable[[int], None] | None = None,
    **overrides: Any,
) -> Flask:
    """Make the application. `doorbell` wakes a worker; `overrides` are Flask's settings."""
    settings = settings or Settings.from_environ()
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.key("secret-key"),
        SESSION_COOKIE_NAME=f"portwright-{settings.instance}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        MAX_CONTENT_LENGTH=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        **overrides,
    )
    app.extensions["settings"] = settings
    app.extensions["doorbell"] = doorbell or redis_doorbell(settings.redis_url)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    database.init_app(app)
    visiting.init_app(app)
    csrf = CSRFProtect(app)
    csrf.exempt(api.blueprint)
    csrf.exempt(hooks.receive.receive)
    for part in (access, accounts, page_filters, errors):
        part.init_app(app)
    for domain in (
        health,
        accounts,
        projects,
        domains,
        runs,
        releases,
        backups,
        sources,
        registries,
        hooks,
        previews,
        snapshots,
        dns,
        hosts,
        visiting,
        api,
    ):
        app.register_blueprint(domain.blueprint)
    app.after_request(add_headers)
    return app
