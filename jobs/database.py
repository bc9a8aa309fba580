"""Opening the database outside a web request: the worker and the administrator's commands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from jobs import migrate


def open_engine(url: str) -> Engine:
    """An engine; SQLite gets write-ahead logging, foreign keys and patience with other writers."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", set_pragmas)
    return engine


def set_pragmas(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "busy_timeout=15000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def create_tables(engine: Engine) -> None:
    """Make or bring up to date the tables; does nothing on a database that is so already.

    Raises PortwrightError where that can't be done; the database is then as it was.
    """
    migrate.upgrade(engine)


def session_factory(url: str) -> sessionmaker[Session]:
    return sessionmaker(open_engine(url), expire_on_commit=False)
