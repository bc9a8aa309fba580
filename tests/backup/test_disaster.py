"""The drill: a host with data is lost wholly, and a new one comes back from its backup."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import CHECKOUT, EMAIL, PASSWORD, Platform
from minio import Bucket

NOTES = ["first", "ünïcödé", "x" * 500]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder, outside of which nothing of this is kept but what is in the bucket."""
    # Postgres runs as a user of its own, who must be able to pass through to it.
    root = Path(tempfile.mkdtemp(prefix="pwdrill-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


def host(root: Path, name: str, database: str, repository: str) -> Platform:
    """A new machine: a home of its own, the same instance, the same place for backups."""
    return Platform(
        CHECKOUT,
        root / name,
        "pwdrill",
        {
            "PORTWRIGHT_BACKUP": repository,
            "PORTWRIGHT_BACKUP_HOURS": "0",
            "PORTWRIGHT_DATABASE": database,
        },
    )


def notes(of: Platform) -> list[str]:
    found: list[str] = of.get("web.sample.localhost", "/notes").json()
    return found


@pytest.mark.parametrize(("database", "place"), [("sqlite", "folder"), ("postgres", "bucket")])
def test_a_lost_host_comes_back_with_its_data(
    root: Path, bucket: Bucket, database: str, place: str
) -> None:
    repository = bucket.folder() if place == "bucket" else str(root / "repository")
    first = host(root, "first", database, repository)
    first.clear_earlier()
    try:
        first.quickstart()
        bucket.give_keys(first.home)
        first.sign_in()
        for note in NOTES:
            first.get("web.sample.localhost", "/notes", "POST", note)
        first.run(
            ".venv/bin/portwright", "secrets", "set", "sample", "token", input="of the old host"
        )
        releases = first.api("/projects/sample/releases")["releases"]
        told = first.cli("backups", "create", "--volumes").stdout
        assert "is made" in told and "pwdrill_sample_production_db_data" in told
        assert "is whole" in first.cli("backups", "verify").stdout
        assert notes(first) == NOTES, "paused containers go on"
        password = root / "password"
        shutil.copy(first.home / "keys/backup-password", password)
    finally:
        first.purge()
        shutil.rmtree(first.home)
    assert first.client.volumes.list(filters=first.labelled) == []

    second = host(root, "second", database, repository)
    try:
        bucket.give_keys(second.home)
        argv = ("restore", repository, "--password-file", str(password))
        output = second.cli(*argv).stdout
        assert "sample production: succeeded" in (second.home / "log/restore.log").read_text()
        assert "Restored. Portal:" in output
        assert notes(second) == NOTES
        assert second.health()["database"] is True
        log_in(second)
        after = second.api("/projects/sample/releases")["releases"]
        assert after[1:] == releases and after[0]["commit"] == releases[0]["commit"]
        assert second.plan()["empty"]
        assert second.home / "git/sample.git" == Path(
            second.api("/projects/sample")["project"]["repository"]
        )
        assert "Nothing changed" in second.quickstart()
        again = second.cli(*argv, check=False)
        assert again.returncode == 1 and "is in use already" in again.stderr + again.stdout
    finally:
        second.purge()


def log_in(platform: Platform) -> None:
    """With the account that was made on the lost host."""
    typed = f"{EMAIL}\n{PASSWORD}\n"
    platform.run(".venv/bin/portwright", "login", platform.url, input=typed)
    assert json.loads((platform.home / "cli.json").read_text())["token"]
