"""The database within a request: `db.session` over the tables of jobs.models."""

from __future__ import annotations

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import Session

from jobs.database import create_tables, set_pragmas
from jobs.models import Base
from jobs.versions import FOLDER


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, whose session is used as what it stands for."""

    session: Session  # type: ignore[assignment]


db = Database(metadata=Base.metadata, session_options={"expire_on_commit": False})


def init_app(app: Flask) -> None:
    """Bind the database to the app and bring its tables up to date; `flask db` for developers."""
    db.init_app(app)
    Migrate(app, db, directory=str(FOLDER))
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", set_pragmas)
        create_tables(db.engine)
