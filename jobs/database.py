"""Opening the database outside a web request: the worker and the administrator's commands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.orm import Session, sessionmaker

from jobs.models import Base
from stacks.errors import PortwrightError


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
    """Make the tables that are missing. Does nothing on a database that has every one.

    Raises PortwrightError for a database that an older Portwright has made: a table that
    lacks a column is told of here rather than by whatever first asks for it.
    """
    Base.metadata.create_all(engine)
    there = inspect(engine)
    for table in Base.metadata.sorted_tables:
        lacking = set(table.columns.keys()) - {c["name"] for c in there.get_columns(table.name)}
        if lacking:
            raise PortwrightError(
                f"the database was made by an older Portwright: {table.name} has no "
                f"{', '.join(sorted(lacking))}",
                remedy="give another PORTWRIGHT_HOME; this version can't bring an older database up to date",
                path="database",
            )


def session_factory(url: str) -> sessionmaker[Session]:
    return sessionmaker(open_engine(url), expire_on_commit=False)
