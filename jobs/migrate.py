"""Bringing a database to the newest version of its schema; the way back is a copy.

`python -m jobs.migrate status|upgrade|new WORDS`; `new` writes the next migration from what
the models say. Flask-Migrate's `flask --app portal.wsgi db ...` works on the same folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine

from jobs.backup.database import keep_copy, put_back
from jobs.migrating import home_of, one_at_a_time, writing
from jobs.settings import Settings
from jobs.versions import RELEASED, Shape, config, order, released, shape, write_next
from stacks.errors import PortwrightError, explained


def current(engine: Engine) -> str | None:
    """The version of a database; None for an empty one and for one older than versions."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def pending(engine: Engine) -> list[str]:
    """Versions that a database has yet to go through, oldest first.

    Raises PortwrightError where a newer Portwright has made it.
    """
    there = current(engine)
    if there is None:
        return list(order()[1:] if shape(engine) else order())
    if there not in order():
        raise PortwrightError(
            f"the database was made by a newer Portwright: it is at version {there}, "
            f"this one knows {order()[-1]}",
            remedy="install the newer version again, or restore a backup of the older one",
            path="database",
        )
    return list(order()[order().index(there) + 1 :])


def upgrade(engine: Engine) -> list[str]:
    """Bring a database to the newest version; returns the versions it went through.

    An empty one gets its tables. Of others a copy is kept first, in HOME/backups. Raises
    PortwrightError where it can't be done; the database is then as it was.
    """
    if current(engine) == order()[-1]:
        return []
    with one_at_a_time(home_of(engine.url)):
        if current(engine) == order()[-1]:
            return []
        return at_once(engine)


def at_once(engine: Engine) -> list[str]:
    todo, before, there = pending(engine), shape(engine), current(engine)
    unversioned = there is None and bool(before)
    if unversioned:
        check_released(before)
    copy: Path | None = None
    try:
        with writing(engine.url) as connection:
            if before and todo:
                copy = keep_copy(engine.url, there or RELEASED)
            if unversioned:
                command.stamp(config(connection), RELEASED)
            command.upgrade(config(connection), "head")
    except Exception as error:
        # The transaction has undone it; only what a migration committed itself is left.
        if copy and (shape(engine), current(engine)) != (before, there):
            engine.dispose()
            put_back(engine.url, copy)
        raise PortwrightError(
            f"it could not be brought from version {there or RELEASED} to {order()[-1]} and is as it "
            f"was before: {str(getattr(error, 'orig', error)).strip()}",
            remedy="go on with the Portwright that you had, and report this"
            + (f"; a copy of the database is {copy}" if copy else ""),
            path="database",
        ) from error
    engine.dispose()  # what was read of the old tables is not kept in open connections
    return todo


def check_released(there: Shape) -> None:
    """Raises PortwrightError unless a database without versions has the tables of the first one."""
    for table, columns in released().items():
        lacking = columns - there.get(table, frozenset())
        if lacking:
            raise PortwrightError(
                f"the database was made by a Portwright that is too old: {table} has no "
                f"{', '.join(sorted(lacking))}",
                remedy="give another PORTWRIGHT_HOME; this version can't bring it up to date",
                path="database",
            )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs.migrate", description=__doc__)
    parser.add_argument("action", choices=["status", "upgrade", "new"])
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    if given.action == "new":
        print(write_next(" ".join(given.words)))
        return 0
    engine = create_engine(Settings.from_environ().database_url)
    done = upgrade(engine) if given.action == "upgrade" else []
    print(f"version {current(engine)}; done: {done}; to come: {pending(engine)}")
    return 0


if __name__ == "__main__":
    with explained():
        sys.exit(main())
