"""Databases of other versions, and migrations that this version does not have."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from jobs import versions

RELEASED = (Path(__file__).parent / "released.sql").read_text()
NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{number}", "{before}"

def upgrade():
    {body}
"""
# Makes the table anew on SQLite, as any change of a column does there.
ADD = """
    how = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("projects", recreate=how) as table:
        table.add_column(sa.Column("colour", sa.String(20), nullable=False, server_default="teal"))
"""
FAIL = (
    ADD
    + """
    op.execute("DELETE FROM events")
    raise RuntimeError("no room")
"""
)


def release_database(path: Path) -> None:
    """A database as the version before migrations has left it, with a row in each table."""
    connection = sqlite3.connect(path)
    connection.executescript(RELEASED)
    connection.close()


def add_migration(monkeypatch: Any, folder: Path, body: str) -> str:
    """A version of the code that has one more migration; returns its number."""
    before = versions.order()[-1]
    number = f"{int(before) + 1:04}"
    target = folder / f"migrations-{number}"
    shutil.copytree(versions.FOLDER, target)
    (target / f"versions/{number}_more.py").write_text(
        NEXT.format(number=number, before=before, body=body.strip())
    )
    monkeypatch.setattr(versions, "FOLDER", target)
    versions.order.cache_clear()
    return number


def rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Everything in the database: table → its rows."""
    with engine.connect() as connection:
        return {
            name: [
                dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()
            ]
            for name in sorted(versions.shape(engine))
        }
