"""A database goes from version to version with its rows, or stays as it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from migrations import ADD, FAIL, add_migration, release_database, rows
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from jobs import migrate, versions
from jobs.backup import database
from jobs.database import create_tables, open_engine
from jobs.settings import Settings
from stacks.errors import PortwrightError


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = open_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def released(settings: Settings, engine: Engine) -> Engine:
    release_database(settings.home / "portwright.db")
    return engine


@pytest.fixture(autouse=True)
def known_versions() -> Iterator[None]:
    yield
    versions.order.cache_clear()


def copies(settings: Settings) -> list[Path]:
    return sorted((settings.home / "backups").glob("*"))


def test_models_and_migrations_agree(engine: Engine) -> None:
    """Where this fails: python -m jobs.migrate new WHAT CHANGES"""
    create_tables(engine)
    assert versions.differences(engine) == []


def test_a_new_database_gets_all_versions_and_needs_no_copy(
    settings: Settings, engine: Engine
) -> None:
    assert migrate.current(engine) is None
    assert migrate.upgrade(engine) == list(versions.order())
    assert (migrate.current(engine), migrate.pending(engine)) == (versions.order()[-1], [])
    assert migrate.upgrade(engine) == [] and copies(settings) == []


def test_a_database_from_before_versions_is_known_and_keeps_its_rows(released: Engine) -> None:
    before = rows(released)
    assert all(before.values()), "each table has a row"
    assert migrate.current(released) is None
    assert migrate.pending(released) == list(versions.order()[1:])
    assert migrate.upgrade(released) == list(versions.order()[1:])
    assert migrate.current(released) == versions.order()[-1]
    assert versions.differences(released) == []
    after = rows(released)
    (hook,), (delivery,) = before["hooks"], before["deliveries"]
    hook["project_id"] = before["environments"][0]["project_id"]
    del hook["environment_id"]  # a hook is a project's now
    (run,) = [each for each in before["runs"] if each["id"] == delivery.pop("run_id")]
    run["delivery_id"] = delivery["id"]  # and a delivery may make several runs
    for table, there in before.items():
        for row in there:
            (kept,) = [each for each in after[table] if key_of(each) == key_of(row)]
            assert {key: kept[key] for key in row} == row, table


def key_of(row: dict[str, Any]) -> Any:
    return row.get("id", row.get("name"))


def test_what_refers_to_a_table_that_is_made_anew_stays(
    settings: Settings, released: Engine, monkeypatch: Any
) -> None:
    migrate.upgrade(released)
    before = rows(released)
    number = add_migration(monkeypatch, settings.home, ADD)
    assert migrate.pending(released) == [number]
    assert migrate.upgrade(released) == [number]
    (project,) = before["projects"]
    before["projects"] = [{**project, "colour": "teal"}]
    assert rows(released) == before
    copy = open_engine(f"sqlite:///{copies(settings)[-1]}")
    assert rows(copy)["projects"] == [project]
    copy.dispose()
    assert copies(settings)[-1].stat().st_mode & 0o777 == 0o600


def test_a_failing_migration_leaves_all_as_it_was_and_the_old_code_goes_on(
    settings: Settings, released: Engine, monkeypatch: Any
) -> None:
    migrate.upgrade(released)
    before, version = rows(released), migrate.current(released)
    with monkeypatch.context() as newer:
        add_migration(newer, settings.home, FAIL)
        with pytest.raises(PortwrightError, match="is as it was before: no room") as caught:
            create_tables(released)
    assert str(copies(settings)[-1]) in caught.value.remedy
    assert rows(released) == before and migrate.current(released) == version
    versions.order.cache_clear()
    create_tables(released)
    with released.begin() as connection:
        connection.execute(text("UPDATE projects SET branch = 'next'"))


def test_a_migration_that_committed_before_it_failed_is_undone_by_the_copy(
    settings: Settings, released: Engine, monkeypatch: Any
) -> None:
    migrate.upgrade(released)
    before = rows(released)
    commits = (
        'op.execute("DROP TABLE hooks")\n    op.execute("COMMIT")\n    raise RuntimeError("no")'
    )
    add_migration(monkeypatch, settings.home, commits)
    with pytest.raises(PortwrightError, match="as it was before: no"):
        migrate.upgrade(released)
    assert rows(released) == before


def test_rows_that_a_migration_left_without_what_they_refer_to_stop_it(
    settings: Settings, released: Engine, monkeypatch: Any
) -> None:
    migrate.upgrade(released)
    before = rows(released)
    add_migration(monkeypatch, settings.home, 'op.execute("DELETE FROM projects")')
    with pytest.raises(PortwrightError, match="refer to rows that are gone"):
        migrate.upgrade(released)
    assert rows(released) == before


def test_a_database_of_a_newer_version_is_refused(
    settings: Settings, engine: Engine, monkeypatch: Any
) -> None:
    with monkeypatch.context() as newer:
        number = add_migration(newer, settings.home, ADD)
        migrate.upgrade(engine)
    versions.order.cache_clear()
    with pytest.raises(PortwrightError, match=f"newer Portwright: it is at version {number}"):
        create_tables(engine)


def test_a_database_that_is_too_old_is_refused_and_untouched(released: Engine) -> None:
    with released.begin() as connection:
        connection.execute(text("ALTER TABLE projects DROP COLUMN host_access"))
    before = rows(released)
    with pytest.raises(PortwrightError, match="projects has no host_access") as caught:
        create_tables(released)
    assert caught.value.remedy and rows(released) == before
    assert migrate.current(released) is None


def test_of_processes_that_start_together_one_migrates(
    settings: Settings, released: Engine, monkeypatch: Any
) -> None:
    number = add_migration(monkeypatch, settings.home, ADD)
    code = (
        "import sys; from pathlib import Path; from jobs import versions, migrate;"
        "from jobs.database import open_engine;"
        f"versions.FOLDER = Path({str(versions.FOLDER)!r});"
        f"print(migrate.upgrade(open_engine({settings.database_url!r})))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = sorted(process.communicate()[0].strip() for process in started)
    assert said == [str([*versions.order()[1:]]), "[]", "[]"]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert versions.order()[-1] == number and len(copies(settings)) == 1


def test_nobody_writes_between_the_copy_and_the_end(
    settings: Settings, released: Engine, monkeypatch: Any
) -> None:
    """A row that is written meanwhile would be lost where the copy is put back."""
    add_migration(monkeypatch, settings.home, ADD)
    tried = []

    def copy_and_write(*given: Any) -> Path:
        copy = database.keep_copy(*given)
        other = open_engine(settings.database_url)
        with other.connect() as connection:
            connection.execute(text("PRAGMA busy_timeout=0"))
            try:
                connection.execute(text("DELETE FROM events"))
            except OperationalError as error:
                tried.append(str(error.orig))
        other.dispose()
        return copy

    monkeypatch.setattr(migrate, "keep_copy", copy_and_write)
    migrate.upgrade(released)
    assert tried == ["database is locked"]


def test_the_newest_five_copies_stay(settings: Settings, released: Engine) -> None:
    made = [database.keep_copy(released.url, "0001") for _ in range(7)]
    assert copies(settings) == made[2:]
