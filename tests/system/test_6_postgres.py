"""The platform on Postgres: database and Pulumi's state together, the same deploys."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Platform


@pytest.fixture(scope="module")
def on_postgres(platform: Platform) -> Iterator[Platform]:
    """A second platform of the same code, beside the first."""
    # Postgres runs as a user of its own, who must be able to pass through to it.
    root = Path(tempfile.mkdtemp(prefix="pwtest-"))
    root.chmod(0o711)
    made = Platform(platform.folder, root / "home", "pwtestpg", {"PORTWRIGHT_DATABASE": "postgres"})
    made.clear_earlier()
    try:
        made.quickstart()
        made.sign_in()
        yield made
    finally:
        made.purge()
        shutil.rmtree(root)


def test_it_deploys_and_rolls_back(on_postgres: Platform) -> None:
    assert on_postgres.health()["status"] == "ok"
    assert on_postgres.plan()["empty"]
    assert on_postgres.release() == 1
    assert not (on_postgres.home / "portwright.db").exists()
    assert list((on_postgres.home / "state").iterdir()) == []


def test_a_second_run_changes_nothing(on_postgres: Platform) -> None:
    assert "Nothing changed" in on_postgres.quickstart()


def test_stop_and_start_keep_it(on_postgres: Platform) -> None:
    assert "postgres" in on_postgres.quickstart("stop")
    on_postgres.quickstart()
    assert on_postgres.release() == 1
    assert on_postgres.plan()["empty"]


def test_both_platforms_run_side_by_side(platform: Platform, on_postgres: Platform) -> None:
    assert platform.health()["status"] == on_postgres.health()["status"] == "ok"
    assert {c.id for c in platform.containers()}.isdisjoint(
        {c.id for c in on_postgres.containers()}
    )


def test_the_password_is_in_no_process_list(on_postgres: Platform) -> None:
    password = (on_postgres.home / "keys/postgres-password").read_bytes()
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert password not in cmdline.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
