"""How backups stand, from what Events tell: no repository is asked, so it costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.backup.asked import WHAT, next_due
from jobs.backup.make import FAILED, MADE, VERIFIED, at_work
from jobs.models import Event, Schedule
from jobs.settings import Settings

SHOWN = 50
# What makes good which failure.
GOOD = {"backup": MADE, "verify": VERIFIED}


@dataclass(frozen=True)
class Made:
    """One backup that is kept. volumes: NAME, or HOST/NAME where they are on another host; None
    where it was taken without. missing: what it should hold and does not (manifest.Manifest).
    verified: when it was last restored and found whole."""

    id: str
    at: datetime
    by: str
    bytes: int
    added: int
    seconds: float
    volumes: list[str] | None
    missing: list[dict[str, str]]
    paused_s: float
    verified: datetime | None

    @property
    def hosts(self) -> list[str]:
        """The other hosts that volumes in it are of."""
        return sorted({name.split("/")[0] for name in self.volumes or () if "/" in name})


@dataclass(frozen=True)
class Failure:
    """The newest one that nothing has made good since. what: `backup` or `verify`."""

    what: str
    at: datetime
    path: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Status:
    """made: newest first. lacking: what the newest with volumes should hold and does not.
    waiting: what people asked for and no worker has begun."""

    repository: str
    made: list[Made]
    failures: list[Failure]
    lacking: list[dict[str, str]]
    due: datetime | None
    at_work: dict[str, str] | None
    waiting: list[str]


def status(session: Session, settings: Settings) -> Status:
    verified = {event.detail["snapshot"]: event.at for event in reversed(events(session, VERIFIED))}
    backups = events(session, MADE)
    kept = set(backups[0].detail["kept"]) if backups else set()
    made = [
        Made(
            detail["snapshot"],
            event.at,
            event.actor,
            detail["bytes"],
            detail["added"],
            detail["seconds"],
            detail["volumes"],
            detail.get("missing", []),
            detail["paused_s"],
            verified.get(detail["snapshot"]),
        )
        for event in backups
        if (detail := event.detail)["snapshot"] in kept
    ]
    asked = session.scalars(select(Schedule.name).where(Schedule.name.in_(WHAT)))
    return Status(
        settings.backup,
        made,
        failures(session),
        next((each.missing for each in made if each.volumes is not None), []),
        next_due(session, settings),
        at_work(settings),
        sorted(asked),
    )


def events(session: Session, action: str) -> list[Event]:
    """Newest first."""
    query = select(Event).where(Event.action == action).order_by(Event.id.desc()).limit(SHOWN)
    return list(session.scalars(query))


def failures(session: Session) -> list[Failure]:
    found = []
    for what, good in GOOD.items():
        newest = next((e for e in events(session, FAILED) if e.detail["what"] == what), None)
        after = next(iter(events(session, good)), None)
        if newest is not None and (after is None or after.id < newest.id):
            told: dict[str, Any] = newest.detail
            failure = Failure(what, newest.at, told["path"], told["message"], told["remedy"])
            found.append(failure)
    return found
