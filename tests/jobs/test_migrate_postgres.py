"""The same on a real Postgres, in a cluster of the test's own."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from migrations import ADD, FAIL, add_migration, rows
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from jobs import migrate, versions
from jobs.database import open_engine
from jobs.models import Event, Hook, Project, Run
from jobs.requests import create_project
from jobs.settings import Settings
from provision.daemons import Daemon, start, stop
from stacks.errors import PortwrightError

pytestmark = pytest.mark.system
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home with a cluster in it that answers."""
    # Postgres runs as a user of its own, who must be able to pass through to it.
    root = Path(tempfile.mkdtemp(prefix="pwtest-"))
    home = root / "home"
    for folder, mode in (
        (root, 0o711),
        (home, 0o711),
        (home / "run", 0o711),
        (home / "keys", 0o700),
    ):
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
    (home / "keys/postgres-password").write_text(secrets.token_urlsafe(24))
    for folder in (home / "postgres", home / "run/postgres"):
        folder.mkdir(mode=0o700)
        shutil.chown(folder, "postgres", "postgres")
    script = CHECKOUT / "provision/postgres-init"
    password = home / "keys/postgres-password"
    subprocess.run(["/bin/sh", script, home / "postgres", password], check=True)
    (server,) = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1:]
    argv = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", str(server)]
    argv += ["-D", f"{home}/postgres", "-c", "listen_addresses="]
    argv += ["-c", f"unix_socket_directories={home}/run/postgres"]
    try:
        start(
            home,
            Daemon("postgres", argv, ready=f"{home}/run/postgres/.s.PGSQL.5432", stop_signal=2),
        )
        check = ["pg_isready", "--quiet", f"--host={home}/run/postgres"]
        while subprocess.run(check).returncode:
            time.sleep(0.1)
        yield home
    finally:
        stop(home, "postgres")
        shutil.rmtree(root)


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(home=home, database="postgres").database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    shutil.rmtree(home / "backups", ignore_errors=True)
    yield engine
    engine.dispose()
    versions.order.cache_clear()


def filled(engine: Engine) -> None:
    """A database from before there were versions, with rows, and the engine's table beside it."""
    migrate.upgrade(engine)
    with Session(engine) as session:
        project = create_project(
            session, "shop", "https://example.com/shop.git", "main", by="alice"
        )
        environment = project.environments[0]
        session.add(Hook(project_id=environment.project_id, address="h", sealed=b"sealed"))
        session.commit()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pulumi_state (key text PRIMARY KEY, data bytea)"))
        connection.execute(text("INSERT INTO pulumi_state VALUES ('a', 'b')"))


def test_models_and_migrations_agree(engine: Engine) -> None:
    filled(engine)
    assert versions.differences(engine) == []


def test_a_database_from_before_versions_is_known_and_keeps_its_rows(engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(versions.config(connection), versions.RELEASED)
        connection.execute(text("DROP TABLE alembic_version"))
        for statement in (
            "INSERT INTO projects VALUES (7, 'shop', '/shop.git', 'main', false, NULL, now())",
            "INSERT INTO environments (id, project_id, name, policy, lease_token) "
            "VALUES (5, 7, 'production', 'auto', 0)",
            "INSERT INTO hooks VALUES (3, 5, 'address', 'sealed', now())",
            "INSERT INTO runs (id, environment_id, kind, state, options, priority, attempts, "
            "requested_by, created_at) VALUES (9, 5, 'deploy', 'succeeded', '{}', 1, 1, 'x', now())",
            "INSERT INTO deliveries VALUES (2, 3, 'key', 9, now())",
        ):
            connection.execute(text(statement))
    migrate.upgrade(engine)
    assert migrate.current(engine) == versions.order()[-1] and versions.differences(engine) == []
    with Session(engine) as session:
        assert session.get_one(Hook, 3).project.name == "shop"
        assert session.get_one(Run, 9).delivery_id == 2


def test_it_migrates_with_a_copy_by_pg_dump(
    tmp_path: Path, home: Path, engine: Engine, monkeypatch: Any
) -> None:
    filled(engine)
    before = rows(engine)
    number = add_migration(monkeypatch, tmp_path, ADD)
    assert migrate.upgrade(engine) == [number]
    assert rows(engine)["projects"] == [{**before["projects"][0], "colour": "teal"}]
    (copy,) = (home / "backups").iterdir()
    listed = subprocess.run(["pg_restore", "--list", copy], capture_output=True, text=True).stdout
    assert "TABLE DATA public projects" in listed and "pulumi_state" not in listed


@pytest.mark.parametrize(
    "body", [FAIL, 'op.execute("DROP TABLE hooks")\n    op.execute("COMMIT")\n    1/0']
)
def test_a_failing_migration_leaves_all_as_it_was(
    tmp_path: Path, engine: Engine, monkeypatch: Any, body: str
) -> None:
    filled(engine)
    before, version = rows(engine), migrate.current(engine)
    add_migration(monkeypatch, tmp_path, body)
    with pytest.raises(PortwrightError, match="is as it was before"):
        migrate.upgrade(engine)
    assert rows(engine) == before and migrate.current(engine) == version
    with Session(engine) as session:  # ids go on from where they were
        session.add(Event(actor="alice", action="a", project="shop"))
        session.commit()
        assert session.query(Project).one().name == "shop"
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pulumi_state")) == 1
