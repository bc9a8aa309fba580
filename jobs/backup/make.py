"""Taking a backup: gather, save, forget old ones, and record how it went."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.backup.contents import gather
from jobs.backup.manifest import called
from jobs.backup.restic import Repository, repository
from jobs.models import Event, now
from jobs.records import record
from jobs.settings import Settings
from stacks.errors import PortwrightError

MADE, FAILED, VERIFIED = "backup.made", "backup.failed", "backup.verified"
SCRATCH = ("staging", "verify", "filling")  # folders as large as a backup
LACKING = "backup.lacking"  # beside MADE: it was made, and does not hold everything


def create(session: Session, settings: Settings, *, by: str, volumes: bool) -> dict[str, Any]:
    """Take a backup; returns what its Event tells: {"snapshot", "made_at", "bytes", "added",
    "seconds", "volumes", "missing", "paused_s", "kept"}. missing: what it does not hold, because
    its host could not give it (manifest.Manifest). Raises PortwrightError, recorded as an Event too."""
    with alone(settings, "a backup"), recorded(session, by, "backup"):
        to = repository(settings)
        begin(session, to)
        began = time.monotonic()
        with scratch(settings, "staging") as folder:
            manifest = gather(session, settings, folder, volumes=volumes)
            lacks = {each["host"] for each in manifest.missing}
            told = to.save(folder, host=settings.instance, volumes=volumes, lacks=lacks)
        to.forget()
        detail = {
            "snapshot": str(told["snapshot_id"])[:8],
            "made_at": manifest.made_at,
            "repository": to.location,
            "bytes": told["total_bytes_processed"],
            "added": told["data_added"],
            "seconds": round(time.monotonic() - began, 1),
            "volumes": [called(each) for each in manifest.volumes] if volumes else None,
            "missing": manifest.missing,
            "paused_s": max((each["paused_s"] for each in manifest.volumes), default=0.0),
            "kept": [each.id[:8] for each in to.snapshots()],
        }
        record(session, by, MADE, None, **detail)
        if manifest.missing:
            told_of = {"snapshot": detail["snapshot"], "missing": manifest.missing}
            record(session, by, LACKING, None, **told_of)
        session.commit()
    return detail


def begin(session: Session, to: Repository) -> None:
    """Make the repository where there never was one. One that has gone is not made anew: the
    disk it was on may only not be mounted."""
    if to.exists():
        to.unlock()
        return
    earlier = session.scalars(select(Event).where(Event.action == MADE))
    if any(event.detail.get("repository") == to.location for event in earlier):
        raise PortwrightError(
            f"the repository {to.location} is gone",
            remedy="mount its disk; or give PORTWRIGHT_BACKUP a new place to begin again",
            path="backup",
        )
    to.run("init")


@contextmanager
def recorded(session: Session, by: str, what: str) -> Iterator[None]:
    """A failure becomes an Event with its cause and remedy, and goes on as PortwrightError."""
    try:
        yield
    except Exception as error:
        session.rollback()
        told = error if isinstance(error, PortwrightError) else in_words(error)
        record(session, by, FAILED, None, what=what, **told.to_json())
        session.commit()
        raise told from error


def in_words(error: Exception) -> PortwrightError:
    if isinstance(error, OSError) and error.errno == 28:
        return PortwrightError("the disk is full", remedy="make room on the host", path="backup")
    return PortwrightError(
        f"{type(error).__name__}: {error}",
        remedy="try again; if it stays, report it",
        path="backup",
    )


@contextmanager
def alone(settings: Settings, what: str) -> Iterator[None]:
    """One backup, verification or restore at a time; a second one waits."""
    with lock_file(settings).open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(json.dumps({"what": what, "since": now().isoformat()}))
        file.flush()
        yield


def at_work(settings: Settings) -> dict[str, str] | None:
    """{"what", "since"} of what is under way, None where nothing is."""
    try:
        with lock_file(settings).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                told: dict[str, str] = json.loads(file.read())
                return told
    except (FileNotFoundError, ValueError):
        return None
    return None


def lock_file(settings: Settings) -> Path:
    return settings.home / "run/backup.lock"


@contextmanager
def scratch(settings: Settings, name: str) -> Iterator[Path]:
    """An empty folder for root alone, gone afterwards; those that a kill left behind go first. name:
    one of SCRATCH; the caller is alone."""
    for each in SCRATCH:
        shutil.rmtree(settings.home / "backups" / each, ignore_errors=True)
    folder = settings.home / "backups" / name
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
