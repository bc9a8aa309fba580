"""The connection that changes a schema: one transaction, in which nobody else writes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, event, inspect, text

from stacks.errors import PortwrightError

PRAGMAS = ("journal_mode=WAL", "busy_timeout=15000", "foreign_keys=OFF")
PULUMI = "pulumi"  # the prefix of the engine's own table in a Postgres that both share


def home_of(url: URL) -> Path | None:
    """The home that a database belongs to: SQLite's file is in it, Postgres's socket in its
    run/postgres. None for a database in memory."""
    if url.get_backend_name() == "sqlite":
        return Path(url.database).parent if url.database else None
    return Path(str(url.query["host"])).parents[1]


@contextmanager
def one_at_a_time(home: Path | None) -> Iterator[None]:
    """Portal, worker and commands start together: the second waits until the first is done."""
    if home is None:
        yield
        return
    (home / "run").mkdir(parents=True, exist_ok=True)
    with (home / "run/migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def writing(url: str | URL) -> Iterator[Connection]:
    """A transaction that is all or nothing, changes of tables too.

    SQLite: without foreign keys, for a batch migration drops a table in favour of its copy, and
    with them that would delete what refers to it (https://www.sqlite.org/lang_altertable.html,
    section 7); they are checked before the commit. Python's driver begins no transaction for a
    CREATE or DROP, so we do. Postgres: writers wait, readers (a dump) do not.
    """
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", manual)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                hold_writers(connection)
            yield connection
            if engine.dialect.name == "sqlite":
                check_references(connection)
    finally:
        engine.dispose()


def manual(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def hold_writers(connection: Connection) -> None:
    connection.execute(text("SET LOCAL lock_timeout = '60s'"))
    for name in inspect(connection).get_table_names():
        if not name.startswith(PULUMI):
            connection.execute(text(f'LOCK TABLE "{name}" IN EXCLUSIVE MODE'))


def check_references(connection: Connection) -> None:
    lost = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    if lost:
        raise PortwrightError(
            f"{len(lost)} rows of {lost[0][0]} refer to rows that are gone",
            remedy="report it: the migration is wrong",
            path="database",
        )
