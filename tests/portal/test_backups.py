"""Backups as the host's owner meets them: how they stand, and asking for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from jobs.backup.make import FAILED, MADE, VERIFIED
from jobs.models import Schedule, User
from jobs.records import record
from jobs.settings import Settings


@pytest.fixture
def place(app: Flask, settings: Settings, session: Session) -> Settings:
    """The host has a place for backups, and Alice is its owner."""
    (settings.home / "keys/backup-password").write_text("p" * 40)
    (settings.home / "run").mkdir(exist_ok=True)
    session.query(User).filter_by(email="alice@example.org").one().host_owner = True
    session.commit()
    app.extensions["settings"] = replace(settings, backup="/mnt/backups")
    return app.extensions["settings"]


def made(session: Session, **more: Any) -> None:
    detail = {
        "snapshot": "0a1b2c3d", "repository": "/mnt/backups", "bytes": 12_400_000, "added": 31_000,
        "seconds": 4.2, "volumes": None, "paused_s": 0.0, "kept": ["0a1b2c3d"],
    }  # fmt: skip
    record(session, "portwright", MADE, None, **{**detail, **more})
    session.commit()


def text(page: Any) -> str:
    return str(page("alice").get("/backups").get_data(as_text=True))


def test_a_host_without_a_place_says_what_to_do(page: Any, place: Settings, app: Flask) -> None:
    app.extensions["settings"] = replace(place, backup="")
    found = text(page)
    assert "No place for backups is set" in found and "set PORTWRIGHT_BACKUP" in found
    answer = page("alice").post("/backups", data={"what": "backup"})
    assert answer.status_code == 422 and "no place for backups is set" in answer.text


def test_size_age_volumes_and_verification_are_told(
    page: Any, place: Settings, session: Session
) -> None:
    assert "No backup yet" in text(page)
    made(session, volumes=["pw_shop_production_db_data"], paused_s=0.42)
    found = text(page)
    assert "12 MB" in found and "31 kB" in found and "with 1 volume" in found
    assert "0.42 s" in found and "not verified" in found
    record(session, "alice", VERIFIED, None, snapshot="0a1b2c3d")
    session.commit()
    assert "not verified" not in text(page)


def test_what_a_host_could_not_give_is_told_until_a_backup_holds_it(
    page: Any, place: Settings, session: Session
) -> None:
    lack = {
        "host": "eu-1", "volume": "", "remedy": "see that the machine runs",
        "message": "the volumes of host eu-1: not in the backup: it does not answer",
    }  # fmt: skip
    made(session, volumes=[], missing=[lack, {**lack, "volume": "other"}])
    made(session)
    found = text(page)
    assert "The last backup with volumes does not hold everything" in found
    assert lack["message"] in found and lack["remedy"] in found
    assert found.count("lacks volumes of eu-1<") == 1
    made(session, volumes=["eu-1/shop_data"], missing=[])
    found = text(page)
    assert "does not hold everything" not in found and "with 1 volume (also of eu-1)" in found


def test_a_failure_is_shown_with_its_remedy(page: Any, place: Settings, session: Session) -> None:
    told = {
        "path": "backup",
        "message": "the disk of the repository is full",
        "remedy": "make room",
    }
    record(session, "portwright", FAILED, None, what="backup", **told)
    session.commit()
    found = text(page)
    assert "The last backup failed" in found and told["message"] in found and "make room" in found
    made(session)
    assert "The last backup failed" not in text(page)


@pytest.mark.parametrize("what", ["backup", "backup with volumes", "verification"])
def test_the_buttons_ask_a_worker(page: Any, place: Settings, session: Session, what: str) -> None:
    assert page("alice").post("/backups", data={"what": what}).status_code == 302
    assert [row.name for row in session.query(Schedule)] == [what]
    assert f"Asked for: {what}" in text(page)


def test_the_api_tells_and_asks(api: Any, place: Settings, session: Session) -> None:
    made(session)
    found = api("alice").get("/api/backups").json["backups"]
    (only,) = found["made"]
    assert (only["id"], only["bytes"], only["verified"]) == ("0a1b2c3d", 12_400_000, None)
    answer = api("alice").post("/api/backups", json={"what": "verification"})
    assert (answer.status_code, answer.json["backups"]["waiting"]) == (202, ["verification"])
    refused = api("alice").post("/api/backups", json={"what": "rm -rf"})
    assert refused.status_code == 422 and refused.json["error"]["path"] == "what"


def test_only_the_hosts_owner_finds_the_way(page: Any, place: Settings) -> None:
    assert 'href="/backups"' in page("alice").get("/").text
    assert 'href="/backups"' not in page("bob").get("/").text
    assert page("bob").get("/backups").status_code == 403
