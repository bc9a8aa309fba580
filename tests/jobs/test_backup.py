"""What a backup holds and how it is checked, on SQLite and without the program that keeps it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from rows import add_release, add_run
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from jobs.backup import asked, make, restore
from jobs.backup.calm import while_nothing_applies
from jobs.backup.contents import gather
from jobs.backup.manifest import Manifest, read
from jobs.backup.restic import NoRepository, failure, open_repository
from jobs.backup.status import status
from jobs.backup.verify import check
from jobs.models import Environment, Event, Project, Run, Schedule, now
from jobs.records import record
from jobs.requests import set_secret
from jobs.settings import Settings
from stacks.errors import PortwrightError


@pytest.fixture
def home(settings: Settings, session: Session, environment: Environment) -> Settings:
    """A host with a project that serves, its keys and its stack's state."""
    for name in ("secret-key", "passphrase", "backup-password", "setup-token"):
        (settings.home / "keys" / name).write_text(name)
    stack = settings.home / "state/.pulumi/stacks/shop/production.json"
    stack.parent.mkdir(parents=True)
    stack.write_text(json.dumps({"checkpoint": {"latest": {"resources": []}}}))
    (settings.home / "runs").mkdir()
    settings.run_log(1).write_text("deployed\n")
    set_secret(
        session, settings.key("vault-key"), environment.project, "token", "s3cret", by="alice"
    )
    add_release(session, environment, 1)
    (settings.home / "run").mkdir(exist_ok=True)
    return replace(settings, backup=str(settings.home / "repository"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "gathered"
    made.mkdir()
    return made


@pytest.fixture
def gathered(session: Session, home: Settings, folder: Path) -> Manifest:
    return gather(session, home, folder, volumes=False)


def test_it_holds_what_can_not_be_made_again(gathered: Manifest, folder: Path) -> None:
    assert sorted(gathered.files) == [
        "database.db", "keys/backup-password", "keys/passphrase", "keys/secret-key",
        "keys/vault-key", "runs/1.log", "state/.pulumi/stacks/shop/production.json",
    ]  # fmt: skip
    assert read(folder) == gathered
    assert gathered.environments == [
        {"project": "shop", "environment": "production", "release": 1, "commit": "a" * 40}
    ]
    assert (gathered.tables["projects"], gathered.tables["secrets"]) == (1, 1)


def test_a_whole_one_passes(gathered: Manifest, folder: Path) -> None:
    told = check(folder)
    assert (told["secrets"], told["stacks"], told["volumes"]) == (1, 1, 0)


def test_the_copy_is_of_one_moment_while_others_write(
    session: Session, home: Settings, folder: Path, environment: Environment
) -> None:
    with create_engine(home.database_url).connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        other.exec_driver_sql("UPDATE projects SET branch = 'half'")
        gather(session, home, folder, volumes=False)
        other.rollback()
    copy = create_engine(f"sqlite:///{folder}/database.db")
    with Session(copy) as copied:
        assert copied.query(Project).one().branch == "main"
    copy.dispose()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda f: flip(f / "database.db"), "database.db is not what was backed up"),
        (lambda f: (f / "keys/passphrase").unlink(), "keys/passphrase is missing"),
        (lambda f: (f / "keys/other").write_text("x"), "keys/other is not what was backed up"),
        (lambda f: flip(next(f.glob("state/.pulumi/stacks/*/*"))), "is not what was backed up"),
        (lambda f: (f / "manifest.json").write_text("{}"), "no readable manifest"),
        (lambda f: (f / "manifest.json").unlink(), "no readable manifest"),
    ],
)
def test_one_that_was_harmed_is_found(
    gathered: Manifest, folder: Path, harm: Callable[[Path], object], words: str
) -> None:
    harm(folder)
    with pytest.raises(PortwrightError, match=words):
        check(folder)


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """A file that was backed up with wrong content: its hash is right."""
    (folder / name).write_bytes(content)
    told = json.loads((folder / "manifest.json").read_text())
    told["files"][name] = sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("keys/vault-key", b"A" * 43 + b"=", "does not open with the key beside it"),
        ("keys/secret-key", b"", "keys/secret-key is missing or empty"),
        ("database.db", b"no database", "file is not a database"),
        ("state/.pulumi/stacks/shop/production.json", b"{", "state shop/production.json: it can't"),
    ],
)
def test_what_was_wrong_already_when_it_was_backed_up_is_found(
    gathered: Manifest, folder: Path, name: str, content: bytes, words: str
) -> None:
    rewrite(folder, name, content)
    with pytest.raises(Exception, match=words):
        check(folder)


def test_a_stack_that_served_and_is_not_there_is_found(
    session: Session, home: Settings, folder: Path
) -> None:
    shutil.rmtree(home.home / "state")
    gather(session, home, folder, volumes=False)
    with pytest.raises(PortwrightError, match=r"state shop/production.json: it is missing"):
        check(folder)


def test_copying_waits_for_an_apply_and_is_done_again_where_one_began(
    session: Session, environment: Environment
) -> None:
    run = add_run(session, environment, "applying")
    with pytest.raises(PortwrightError, match="no moment without a deploy"):
        while_nothing_applies(session, lambda: 1, patience=0)
    run.state = "succeeded"
    session.commit()
    copied = []

    def work() -> int:
        if not copied:  # a deploy begins and ends within the first try
            add_run(session, environment, "succeeded")
        copied.append(1)
        return len(copied)

    assert while_nothing_applies(session, work) == 2


def test_a_build_holds_nothing_up(session: Session, environment: Environment) -> None:
    add_run(session, environment, "building")
    add_run(session, environment, "queued")
    assert while_nothing_applies(session, lambda: "copied", patience=0) == "copied"


@pytest.mark.parametrize(
    "location", ["relative", "/a/../b", "sftp:host:/x", "rest:https://u:p@host/", "s3:host/bucket",
                 "s3:https://key:secret@host/bucket", "/a b", "--help", "local:/x\n/y"],
)  # fmt: skip
def test_only_folders_and_buckets_are_taken(settings: Settings, location: str) -> None:
    with pytest.raises(PortwrightError, match="is no place for backups"):
        open_repository(settings, location, settings.home / "password")


def test_a_buckets_keys_come_from_files_and_are_never_shown(settings: Settings) -> None:
    for name in ("backup-s3-id", "backup-s3-secret"):
        (settings.home / "keys" / name).write_text(f"canary {name}\n")
    made = open_repository(settings, "s3:https://s3.example.com/bucket", settings.home / "password")
    assert made.keys == {
        "AWS_ACCESS_KEY_ID": "canary backup-s3-id",
        "AWS_SECRET_ACCESS_KEY": "canary backup-s3-secret",
    }
    assert "canary" not in repr(made)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Fatal: wrong password or no key found\n", "the password is not this repository's"),
        ("x\nFatal: unable to save snapshot: write: no space left on device", "disk of the repo"),
        ("Fatal: something new", "restic failed: Fatal: something new"),
        ("", "restic failed"),
    ],
)
def test_what_restic_says_becomes_a_cause_and_a_remedy(said: str, words: str) -> None:
    told = failure(said)
    assert words in told.message and told.remedy and not isinstance(told, NoRepository)


def test_without_a_place_nothing_is_due_and_asking_says_what_to_do(
    session: Session, settings: Settings
) -> None:
    assert asked.due(session, settings) == []
    with pytest.raises(PortwrightError, match="no place for backups is set") as caught:
        asked.ask(session, settings, "backup", by="alice")
    assert "PORTWRIGHT_BACKUP" in caught.value.remedy


def test_what_was_asked_for_is_told_once_with_who_asked(session: Session, home: Settings) -> None:
    quiet = replace(home, backup_hours=0)
    for _ in range(2):
        asked.ask(session, quiet, "backup with volumes", by="alice@example.org")
    assert status(session, quiet).waiting == ["backup with volumes"]
    assert asked.due(session, quiet) == ["backup with volumes"]
    assert asked.due(session, quiet) == []
    assert asked.asker(session, "backup with volumes") == "alice@example.org"
    assert asked.asker(session, asked.BY_TIME) == "portwright"


def test_the_first_is_due_at_once_and_the_next_a_day_later(
    session: Session, home: Settings
) -> None:
    assert asked.due(session, home) == [asked.BY_TIME]
    assert asked.due(session, home) == []
    due = asked.next_due(session, home)
    assert due is not None and timedelta(hours=23) < due - now() < timedelta(hours=25)
    session.get_one(Schedule, asked.VERIFY_BY_TIME).last_at = now() - timedelta(days=8)
    session.commit()
    assert asked.due(session, home) == [asked.VERIFY_BY_TIME]


def test_a_failure_is_an_event_with_its_remedy_until_one_goes_well(
    session: Session, home: Settings
) -> None:
    with pytest.raises(PortwrightError), make.recorded(session, "alice", "backup"):
        raise PortwrightError("the disk is full", remedy="make room", path="backup")
    (told,) = status(session, home).failures
    assert (told.what, told.message, told.remedy) == ("backup", "the disk is full", "make room")
    detail = {"snapshot": "abc", "bytes": 1, "added": 1, "seconds": 1.0, "volumes": None}
    record(session, "alice", make.MADE, None, **detail, paused_s=0.0, kept=["abc"])
    session.commit()
    found = status(session, home)
    assert found.failures == [] and [each.id for each in found.made] == ["abc"]


def test_only_what_the_repository_still_has_is_shown(session: Session, home: Settings) -> None:
    for name, kept in (("one", ["one"]), ("two", ["one", "two"]), ("three", ["two", "three"])):
        detail = {"snapshot": name, "bytes": 1, "added": 1, "seconds": 1.0, "volumes": None}
        record(session, "alice", make.MADE, None, **detail, paused_s=0.0, kept=kept)
        session.commit()
    record(session, "alice", make.VERIFIED, None, snapshot="two")
    session.commit()
    found = status(session, home).made
    assert [(each.id, each.verified is not None) for each in found] == [
        ("three", False),
        ("two", True),
    ]


def test_at_work_is_told_while_it_lasts(home: Settings) -> None:
    assert make.at_work(home) is None
    with make.alone(home, "a backup"):
        told = make.at_work(home)
        assert told is not None and told["what"] == "a backup"
    assert make.at_work(home) is None


def test_a_restored_database_forgets_what_was_at_work_and_where_it_was(
    session: Session, home: Settings, gathered: Manifest, environment: Environment, tmp_path: Path
) -> None:
    for state in ("queued", "building", "applying", "awaiting_approval"):
        add_run(session, environment, state)
    environment.lease_run = 3
    environment.project.repository = f"{home.home}/git/shop.git"
    session.commit()
    there = replace(home, home=tmp_path / "elsewhere")
    restore.adopt(session, there, gathered)
    (asked_run,) = restore.ask_for_deploys(session, gathered)
    states = [run.state for run in session.query(Run).order_by(Run.id)]
    assert states == ["succeeded", *["cancelled"] * 4, "queued"]
    session.refresh(environment)
    assert environment.lease_run is None
    assert environment.project.repository == f"{tmp_path}/elsewhere/git/shop.git"
    run = session.get_one(Run, asked_run)
    assert (run.kind, run.ref) == ("deploy", "a" * 40) and "restored" in run.options["automatic"]
    assert session.query(Event).filter_by(action="platform.restored").count() == 1


def test_a_host_in_use_is_not_restored_over(session: Session, home: Settings) -> None:
    with pytest.raises(PortwrightError, match="is in use already"):
        restore.fetch(home, "/repository", home.home / "keys/backup-password", None)


@pytest.mark.parametrize("other", [{"instance": "other"}, {"database": "postgres"}])
def test_a_host_of_another_kind_is_refused(
    gathered: Manifest, settings: Settings, other: dict[str, Any]
) -> None:
    with pytest.raises(PortwrightError) as caught:
        restore.check_alike(gathered, replace(settings, **other))
    assert caught.value.path == f"PORTWRIGHT_{next(iter(other)).upper()}"
