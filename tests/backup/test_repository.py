"""Backups in a real repository, by restic: a folder and a bucket of a MinIO server."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from harness import free_ports, until
from minio import Bucket
from sqlalchemy.orm import Session

from jobs.backup import make, verify
from jobs.backup.restic import Repository, repository
from jobs.database import create_tables, session_factory
from jobs.models import Event
from jobs.requests import create_project, set_secret
from jobs.settings import Settings
from stacks.errors import PortwrightError

ALICE = "alice"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    (home / "run").mkdir()
    for name in ("secret-key", "passphrase", "backup-password"):
        (home / "keys" / name).write_text(secrets.token_urlsafe(24))
    (home / "keys/vault-key").write_text(Fernet.generate_key().decode())
    return Settings(home=home, instance="pwbackup", backup=str(tmp_path / "repository"))


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    sessions = session_factory(settings.database_url)
    create_tables(sessions.kw["bind"])
    with sessions() as session:
        project = create_project(session, "shop", "https://example.com/shop.git", "main", by=ALICE)
        set_secret(session, settings.key("vault-key"), project, "token", "canary-4711", by=ALICE)
        yield session
    sessions.kw["bind"].dispose()


def create(session: Session, settings: Settings) -> dict[str, Any]:
    return make.create(session, settings, by=ALICE, volumes=False)


def events(session: Session) -> list[tuple[str, str]]:
    query = session.query(Event).filter(Event.action.like("backup.%")).order_by(Event.id)
    return [(each.action, str(each.detail.get("message", ""))) for each in query]


def test_it_is_made_verified_and_told(session: Session, settings: Settings) -> None:
    made = create(session, settings)
    told = verify.verify(session, settings, by=ALICE)
    assert (told["snapshot"], told["secrets"]) == (made["snapshot"], 1)
    assert made["kept"] == [made["snapshot"]]
    assert events(session) == [(make.MADE, ""), (make.VERIFIED, "")]
    assert sorted(path.name for path in (settings.home / "backups").iterdir()) == ["cache"]


def test_nothing_in_the_repository_can_be_read_without_the_password(
    session: Session, settings: Settings, tmp_path: Path
) -> None:
    create(session, settings)
    kept = [path.read_bytes() for path in Path(settings.backup).rglob("*") if path.is_file()]
    for canary in (
        settings.key("passphrase"),
        settings.key("vault-key"),
        "shop.git",
        "SQLite format",
    ):
        assert not any(canary.encode() in content for content in kept), canary
    (settings.home / "keys/backup-password").write_text("another")
    with pytest.raises(PortwrightError, match="the password is not this repository's"):
        create(session, settings)
    assert events(session)[-1][0] == make.FAILED


def test_a_day_keeps_its_last_one_with_and_one_without_volumes(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.backup.contents.volumes_of", lambda *_: [])
    first = make.create(session, settings, by=ALICE, volumes=True)
    create(session, settings)
    last = create(session, settings)
    assert last["kept"] == [first["snapshot"], last["snapshot"]]
    assert verify.choose(repository(settings), None, volumes=True).id.startswith(first["snapshot"])


def lacking(host: str) -> dict[str, str]:
    return {"host": host, "volume": "", "message": "not in the backup", "remedy": "see to it"}


def test_one_that_lacks_a_hosts_volumes_takes_the_place_of_none_that_holds_them(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacks: list[dict[str, str]] = []
    monkeypatch.setattr("jobs.backup.contents.volumes_of", lambda *_: [])
    monkeypatch.setattr("jobs.backup.elsewhere.save", lambda *_: ([], list(lacks)))
    whole = make.create(session, settings, by=ALICE, volumes=True)
    lacks += [lacking("eu-1")]
    make.create(session, settings, by=ALICE, volumes=True)
    part = make.create(session, settings, by=ALICE, volumes=True)
    lacks += [lacking("us-1")]
    less = make.create(session, settings, by=ALICE, volumes=True)
    assert less["kept"] == [each["snapshot"] for each in (whole, part, less)]
    assert less["missing"] == lacks
    assert [each.lacks for each in repository(settings).snapshots()] == [
        [], ["eu-1"], ["eu-1", "us-1"],
    ]  # fmt: skip
    assert [action for action, _ in events(session)].count(make.LACKING) == 3
    lacks.clear()
    newer = make.create(session, settings, by=ALICE, volumes=True)
    assert newer["kept"] == [each["snapshot"] for each in (part, less, newer)]
    monkeypatch.setattr("jobs.backup.restic.WEEK", timedelta(seconds=-1))
    last = make.create(session, settings, by=ALICE, volumes=True)
    assert last["kept"] == [last["snapshot"]]


def test_damage_in_the_repository_is_found_and_told(session: Session, settings: Settings) -> None:
    create(session, settings)
    pack = max(Path(settings.backup, "data").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(bytes(content))
    with pytest.raises(PortwrightError):
        verify.verify(session, settings, by=ALICE)
    action, message = events(session)[-1]
    assert action == make.FAILED and message


def test_a_repository_that_is_gone_is_not_made_anew(session: Session, settings: Settings) -> None:
    create(session, settings)
    there = Path(settings.backup)
    there.rename(there.with_name("unmounted"))
    with pytest.raises(PortwrightError, match="is gone") as caught:
        create(session, settings)
    assert "mount its disk" in caught.value.remedy and not there.exists()
    there.with_name("unmounted").rename(there)
    create(session, settings)


def test_what_a_kill_left_behind_stops_nothing(session: Session, settings: Settings) -> None:
    """Half a staging folder, and a lock in the repository by a process that is gone."""
    create(session, settings)
    (settings.home / "backups/staging/keys").mkdir(parents=True)
    command = "import os, sys; from pathlib import Path; from jobs.backup.restic import Repository;"
    command += (
        f"Repository({settings.backup!r}, Path({str(settings.home / 'keys/backup-password')!r}),"
    )
    command += f"Path({str(settings.home / 'backups/cache')!r})).save(Path(sys.argv[1]), host='x', volumes=False)"
    big = settings.home / "big"
    big.mkdir()
    (big / "random").write_bytes(secrets.token_bytes(200_000_000))
    process = subprocess.Popen([sys.executable, "-c", command, str(big)], start_new_session=True)
    until(lambda: list(Path(settings.backup, "locks").iterdir()))
    subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=True)
    process.wait()
    assert list(Path(settings.backup, "locks").iterdir()), "the lock of the killed one is there"
    create(session, settings)
    verify.verify(session, settings, by=ALICE)


@pytest.fixture
def on_s3(settings: Settings, bucket: Bucket) -> Settings:
    bucket.give_keys(settings.home)
    return replace(settings, backup=bucket.folder())


def test_a_bucket_takes_them_as_a_folder_does(session: Session, on_s3: Settings) -> None:
    made = create(session, on_s3)
    assert verify.verify(session, on_s3, by=ALICE)["snapshot"] == made["snapshot"]
    again = create(session, on_s3)
    assert again["kept"] == [again["snapshot"]] and again["added"] < made["added"]


def test_a_bucket_that_refuses_the_keys_says_so(session: Session, on_s3: Settings) -> None:
    (on_s3.home / "keys/backup-s3-secret").write_text("wrong")
    with pytest.raises(PortwrightError, match="the bucket's keys are refused") as caught:
        create(session, on_s3)
    assert "keys/backup-s3-id" in caught.value.remedy


def test_a_bucket_that_can_not_be_reached_says_so(
    session: Session, on_s3: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    away = replace(on_s3, backup=f"s3:http://127.0.0.1:{port}/portwright")
    with pytest.raises(PortwrightError, match="can't be reached"):
        create(session, away)


def test_the_password_is_in_no_argument(settings: Settings, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = tmp_path / "bin/restic"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> {seen}\n")
    program.chmod(0o755)
    of = Repository(settings.backup, settings.home / "keys/backup-password", tmp_path, {"AWS": "k"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        of.run("cat", "config")
    assert seen.read_text() == "cat\nconfig\n"
