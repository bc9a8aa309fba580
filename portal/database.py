"""The database within a request: `db.session` over the tables of jobs.models."""

from __future__ import annotations

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs.database import create_tables, set_pragmas
from jobs.models import Base


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, whose session is used as what it stands for."""

    session: Session  # type: ignore[assignment]


db = Database(metadata=Base.metadata, session_options={"expire_on_commit": False})


def init_app(app: Flask) -> None:
    """Bind the database to the app and make missing tables."""
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", set_pragmas)
        try:
            create_tables(db.engine)
        except DBAPIError:
            create_tables(db.engine)  # another process made them between the look and the making
