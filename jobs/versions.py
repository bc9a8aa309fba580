"""The versions of the schema, as Alembic knows them: their order, their first, the next one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect

from jobs.migrating import PULUMI, writing
from jobs.models import Base, UtcDateTime

FOLDER = Path(__file__).parent / "migrations"
RELEASED = "0001"  # the tables as they were before there were versions
Shape = dict[str, frozenset[str]]


def plain(kind: str, item: Any, _context: Any) -> str | bool:
    """Migrations name no type of ours: what it means may change after they were written."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    return not (kind == "table" and str(name).startswith(PULUMI))


OPTIONS: dict[str, Any] = {
    "render_as_batch": True,  # SQLite can't alter a table: it is made anew and filled
    "transactional_ddl": True,
    "compare_type": True,
    "include_name": ours,
    "render_item": plain,
}


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.attributes["connection"] = connection
    return made


@cache
def order() -> tuple[str, ...]:
    """All versions, oldest first."""
    script = ScriptDirectory.from_config(config())
    return tuple(each.revision for each in script.walk_revisions())[::-1]


def shape(engine: Engine) -> Shape:
    """Table → its columns, without those of the engine and of the versions themselves."""
    there = inspect(engine)
    return {
        name: frozenset(column["name"] for column in there.get_columns(name))
        for name in there.get_table_names()
        if name != "alembic_version" and not name.startswith(PULUMI)
    }


@cache
def released() -> Shape:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        command.upgrade(config(connection), RELEASED)
    return shape(engine)


def differences(engine: Engine) -> list[Any]:
    """What the models have and the database has not, or the other way; empty where they agree."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=OPTIONS)
        return list(compare_metadata(context, Base.metadata))


def write_next(words: str) -> Path:
    """The next migration, from how the models differ from what all earlier ones make."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/portwright.db"
        with writing(url) as connection:
            command.upgrade(config(connection), "head")
        with writing(url) as connection:
            number = f"{len(order()) + 1:04}"
            made = command.revision(config(connection), words, autogenerate=True, rev_id=number)
    path = Path(made.path)  # type: ignore[union-attr]
    lines = [line for line in path.read_text().splitlines() if "# ###" not in line]
    path.write_text("\n".join(lines) + "\n")
    subprocess.run([Path(sys.executable).with_name("ruff"), "format", path], check=True)
    return path
