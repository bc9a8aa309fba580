"""What Alembic runs: on the connection that jobs.migrate hands it, else (for Flask-Migrate's
commands) on one of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from jobs.migrating import writing
from jobs.models import Base
from jobs.settings import Settings
from jobs.versions import OPTIONS


def run(connection: Connection) -> None:
    context.configure(connection, target_metadata=Base.metadata, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with writing(Settings.from_environ().database_url) as opened:
        run(opened)
