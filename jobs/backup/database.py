"""A copy of the database in a file, taken while others write, and putting it back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, create_engine, inspect, text

from jobs.migrating import PULUMI, home_of
from jobs.models import now
from stacks.errors import PortwrightError

KEEP = 5


def keep_copy(url: URL, version: str) -> Path:
    """A copy in HOME/backups from before a migration; the newest five stay."""
    home = home_of(url)
    assert home is not None
    folder = home / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    kind = "db" if url.get_backend_name() == "sqlite" else "dump"
    copy = folder / f"database-{now():%Y%m%dT%H%M%S%f}-from-{version}.{kind}"
    write_copy(url, copy)
    for old in sorted(folder.glob("database-*-from-*"))[:-KEEP]:
        old.unlink()
    return copy


def write_copy(url: URL, target: Path, *, engine_too: bool = False) -> None:
    """As it is at one moment. SQLite: by its online backup, also while it is written to
    (https://www.sqlite.org/backup.html). Postgres: by pg_dump; engine_too: with Pulumi's table."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if url.get_backend_name() == "sqlite":
        copy_pages(str(url.database), str(target))
    else:
        leave = [] if engine_too else [f"--exclude-table={PULUMI}*"]
        postgres(url, ["pg_dump", "--format=custom", *leave, f"--file={target}"])


def put_back(url: URL, copy: Path) -> None:
    """Make the database what the copy holds. Whoever has it open sees the old rows at once."""
    if url.get_backend_name() == "sqlite":
        copy_pages(str(copy), str(url.database))
        return
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in inspect(connection).get_table_names():
            if not name.startswith(PULUMI):
                connection.execute(text(f'DROP TABLE "{name}" CASCADE'))
    engine.dispose()
    postgres(
        url, ["pg_restore", "--single-transaction", "--no-owner", "--dbname=portwright", str(copy)]
    )


def copy_pages(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        write.execute("PRAGMA busy_timeout=15000")
        read.backup(write)


def postgres(url: URL, argv: list[str]) -> None:
    """One of Postgres's own commands; the password goes in its environment."""
    where = [f"--host={url.query['host']}", f"--username={url.username}"]
    if argv[0] == "pg_dump":
        where.append(f"--dbname={url.database}")
    done = subprocess.run(
        [argv[0], *where, *argv[1:]],
        env={**os.environ, "PGPASSWORD": str(url.password)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise PortwrightError(
            f"{argv[0]}: {done.stderr.strip().splitlines()[-1][:300] if done.stderr else 'failed'}",
            remedy="see that Postgres runs and its client is not older than it",
            path="database",
        )
