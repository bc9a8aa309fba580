"""`portwright backups`: asked of the portal, done by a worker, told at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from jobs.backup import asked
from jobs.backup.make import FAILED, MADE, VERIFIED
from jobs.database import session_factory
from jobs.models import User
from jobs.records import record
from jobs.settings import Settings

Command = Callable[..., Result]


@pytest.fixture
def place(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Alice owns the host, which has a place for backups that are taken only when asked for."""
    monkeypatch.setattr("cli.backups.POLL", 0.02)
    (settings.home / "keys/backup-password").write_text("p" * 40)
    with session_factory(settings.database_url)() as session:
        session.query(User).one().host_owner = True
        session.commit()
    app.extensions["settings"] = replace(settings, backup="/mnt/backups", backup_hours=0)
    return app.extensions["settings"]


@pytest.fixture
def keeper(place: Settings) -> Iterator[dict[str, Any]]:
    """A worker that pretends; what is put into the answer is what it finds."""
    answer: dict[str, Any] = {}
    ended = Event()

    def work() -> None:
        with session_factory(place.database_url)() as session:
            while not ended.wait(0.02):
                for what in asked.due(session, place):
                    tell(session, what)
                session.rollback()

    def tell(session: Any, what: str) -> None:
        if "missing" not in answer and answer:
            kind = "verify" if what == "verification" else "backup"
            record(session, "alice", FAILED, None, what=kind, path="backup", **answer)
        elif what == "verification":
            record(session, "alice", VERIFIED, None, snapshot="0a1b2c3d")
        else:
            volumes = ["pw_shop_production_db_data"] if "volumes" in what else None
            record(
                session, "alice", MADE, None, snapshot="0a1b2c3d", bytes=12_400_000, added=1,
                seconds=4.2, volumes=volumes, paused_s=0.4, kept=["0a1b2c3d"], **answer,
            )  # fmt: skip
        session.commit()

    thread = Thread(target=work)
    thread.start()
    yield answer
    ended.set()
    thread.join()


def test_making_verifying_and_listing(alice: Command, keeper: dict[str, Any]) -> None:
    made = alice("backups", "create")
    assert made.output == "Backup 0a1b2c3d is made: 12.4 MB in 4.2 s.\n"
    assert alice("backups", "verify").output.startswith("Backup 0a1b2c3d is whole")
    listed = alice("backups", "list").output
    assert "0a1b2c3d" in listed and "12.4 MB" in listed and "Next by itself: never" in listed


def test_volumes_are_named_with_how_long_they_stood(alice: Command, keeper: dict[str, Any]) -> None:
    told = alice("backups", "create", "--volumes").output
    assert "Volumes: pw_shop_production_db_data; paused for 0.4 s at most." in told


def test_one_that_lacks_a_hosts_volumes_says_so_and_ends_badly(
    alice: Command, keeper: dict[str, Any]
) -> None:
    lack = {"host": "eu-1", "volume": "", "message": "not in the backup", "remedy": "see to it"}
    keeper |= {"missing": [lack]}
    told = alice("backups", "create", "--volumes")
    assert told.exit_code == 1 and "Backup 0a1b2c3d is made" in told.output
    listed = alice("backups", "list")
    assert listed.exit_code == 0 and "eu-1" in listed.output
    for each in (told, listed):
        assert "Not in it: not in the backup\nTo do: see to it\n" in each.output


@pytest.mark.parametrize("command", ["create", "verify"])
def test_a_failure_is_told_with_its_remedy(
    alice: Command, keeper: dict[str, Any], command: str
) -> None:
    keeper |= {"message": "the disk of the repository is full", "remedy": "make room there"}
    told = alice("backups", command)
    assert told.exit_code == 1
    assert "the disk of the repository is full" in told.output and "make room there" in told.output
    listed = alice("backups", "list").output
    assert "the disk of the repository is full" in listed and "make room there" in listed


def test_who_does_not_own_the_host_is_refused(alice: Command, app: Flask) -> None:
    told = alice("backups", "list")
    assert told.exit_code == 1 and "Backups are for the host's owner" in told.output
