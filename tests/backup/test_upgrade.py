"""Portwright itself goes from version to version, and back, while what it deployed serves."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness import CHECKOUT, Platform, copy_checkout, until
from next_version import git, load, worse_version
from sqlalchemy.orm import Session

from jobs import versions
from jobs.database import open_engine
from jobs.migrate import current
from jobs.models import Event as Audit
from jobs.settings import Settings


def version_before_migrations(folder: Path) -> None:
    """The code as it was before the database had versions."""
    added = git(
        "-C", CHECKOUT, "log", "--diff-filter=A", "--format=%H", "--", "jobs/migrations/alembic.ini"
    ).splitlines()[-1]
    folder.mkdir()
    archive = subprocess.Popen(
        ["git", "-C", CHECKOUT, "archive", f"{added}^"], stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "--extract", "--directory", folder], stdin=archive.stdout, check=True)
    assert archive.wait() == 0


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="pwupgrade-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def old(root: Path) -> Iterator[Platform]:
    """A host of the version before, with the sample, a note in its database and an owner."""
    version_before_migrations(root / "old")
    made = Platform(root / "old", root / "home", "pwupgrade")
    made.clear_earlier()
    try:
        made.quickstart()
        made.sign_in()
        made.get("web.sample.localhost", "/notes", "POST", "kept")
        yield made
    finally:
        made.purge()


@pytest.fixture(scope="module")
def new(root: Path, old: Platform) -> Platform:
    copy_checkout(root / "new")
    return replace(old, folder=root / "new")


def through(platform: Platform) -> str:
    return f"http://127.0.0.1:{platform.ports[1]}"


def schema(platform: Platform) -> str | None:
    engine = open_engine(Settings.from_environ(platform.env).database_url)
    found = current(engine)
    engine.dispose()
    return found


def events(platform: Platform) -> list[str]:
    engine = open_engine(Settings.from_environ(platform.env).database_url)
    with Session(engine) as session:
        query = session.query(Audit).filter(Audit.action.like("platform.%")).order_by(Audit.id)
        found = [each.action for each in query]
    engine.dispose()
    return found


def test_a_new_version_takes_over_and_no_request_to_the_app_fails(
    old: Platform, new: Platform
) -> None:
    assert schema(old) is None
    before = sorted(each.id for each in old.containers())
    # The settings are those of the version that runs, whatever the shell says.
    env = {"PORTWRIGHT_HOME": str(old.home), "PATH": old.env["PATH"], "HOME": old.env["HOME"]}
    with load(through(old)) as failed:
        done = subprocess.run(
            ["./quickstart", "upgrade"], cwd=new.folder, env=env, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert failed == []
    assert f"Upgraded: {new.folder} serves" in done.stdout
    assert schema(new) == versions.order()[-1] and events(new) == ["platform.upgraded"]
    assert sorted(each.id for each in new.containers()) == before
    assert new.release() == 1 and new.plan()["empty"]
    again = new.run("./quickstart", "upgrade", check=False)
    assert again.returncode == 1 and "this folder's version that runs" in again.stderr


def test_a_version_that_does_not_get_well_goes_back_by_itself(root: Path, new: Platform) -> None:
    worse_version(root / "worse")
    before = schema(new)
    with load(through(new)) as failed:
        done = new.cli("upgrade", "--to", "v9", "--from", str(root / "worse"), check=False)
    assert failed == []
    assert done.returncode == 1
    assert "the old one serves again: /sign-in answers 500" in done.stderr
    assert schema(new) == before
    assert events(new) == ["platform.upgraded", "platform.upgrade_failed"]
    assert new.release() == 1 and new.plan()["empty"]
    assert "kept" in new.get("web.sample.localhost", "/notes").json()
    assert not (new.home / "versions/upgrade.json").exists()


def test_one_that_was_killed_goes_back_at_the_next_call(root: Path, new: Platform) -> None:
    (folder,) = [
        path
        for path in (new.home / "versions").iterdir()
        if not path.is_symlink() and path.is_dir()
    ]
    process = subprocess.Popen(
        ["./quickstart", "upgrade"], cwd=folder, env=new.env,
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("database"):
            break
    subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=True)
    process.wait()
    before = str(int(schema(new) or 0) - 1).zfill(4)
    done = new.run("./quickstart", "upgrade", check=False)
    assert "an upgrade was cut off here: going back first" in done.stdout
    assert schema(new) == before
    until(lambda: new.release() == 1)
