"""restic, the program that keeps backups: encrypted, deduplicated, in a folder or a bucket.

What it does is in its manual (https://restic.readthedocs.io/en/v0.14.0/). The password and a
bucket's keys reach it by files and its environment, never by its arguments.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from jobs.settings import REPOSITORY, Settings
from stacks.errors import PortwrightError
from stacks.processes import start_time

HOLDING_VOLUMES = "volumes"
LACKS = "lacks-"  # and a host: its volumes are not, or not all, in it
WEEK = timedelta(days=7)
KEPT = ("--keep-daily", "7", "--keep-weekly", "4")
S3_KEYS = {"AWS_ACCESS_KEY_ID": "backup-s3-id", "AWS_SECRET_ACCESS_KEY": "backup-s3-secret"}
# Gentle with a small machine: one processor, early garbage collection.
GENTLE = {"GOMAXPROCS": "1", "GOGC": "30"}
CAUSES = (
    ("wrong password", "the password is not this repository's", "give the one it was made with"),
    ("no space left", "the disk of the repository is full", "make room there, then back up again"),
    ("already locked", "another backup is at work there", "wait for its end, then try again"),
    ("Access Denied", "the bucket's keys are refused", "correct keys/backup-s3-id and backup-s3-secret"),
    ("signature we calculated", "the bucket's keys are refused", "correct keys/backup-s3-id and backup-s3-secret"),
    ("Access Key Id you provided", "the bucket's keys are refused", "correct keys/backup-s3-id and backup-s3-secret"),
    ("connection refused", "the place of the repository can't be reached", "see that it is up"),
    ("no route to host", "the place of the repository can't be reached", "see that it is up"),
    ("network is unreachable", "the place of the repository can't be reached", "see that it is up"),
    ("i/o timeout", "the place of the repository can't be reached", "see that it is up"),
    ("no such host", "the place of the repository can't be reached", "correct PORTWRIGHT_BACKUP"),
    ("permission denied", "the repository can't be written", "let root write there"),
)  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """One backup."""

    id: str
    time: datetime
    tags: tuple[str, ...]

    @property
    def holds_volumes(self) -> bool:
        return HOLDING_VOLUMES in self.tags

    @property
    def lacks(self) -> list[str]:
        """The hosts whose volumes are not, or not all, in it."""
        return [each.removeprefix(LACKS) for each in self.tags if each.startswith(LACKS)]


@dataclass(frozen=True)
class Repository:
    """location: what PORTWRIGHT_BACKUP holds. keys: of the bucket, as restic's variables."""

    location: str
    password_file: Path
    cache: Path
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, *argv: str, cwd: Path | None = None) -> str:
        """What it prints; raises PortwrightError with a cause in words."""
        env = {
            **os.environ,
            **GENTLE,
            **self.keys,
            "RESTIC_REPOSITORY": self.location,
            "RESTIC_PASSWORD_FILE": str(self.password_file),
            "RESTIC_CACHE_DIR": str(self.cache),
        }
        try:
            done = subprocess.run(
                ["restic", *argv], cwd=cwd, env=env, capture_output=True, text=True
            )
        except FileNotFoundError:
            raise PortwrightError(
                "restic is not installed",
                remedy="run ./quickstart, which installs it",
                path="backup",
            ) from None
        if done.returncode:
            raise failure(done.stderr)
        return done.stdout

    def exists(self) -> bool:
        """Raises PortwrightError where that can't be told, or the password is wrong."""
        try:
            self.run("cat", "config")
        except NoRepository:
            return False
        return True

    def unlock(self) -> None:
        """Remove locks of processes that are gone. restic takes a dead one that nobody has waited
        for (a zombie) for a living one; we don't."""
        names = self.run("list", "locks", "--no-lock").split()
        locks = [json.loads(self.run("cat", "lock", name, "--no-lock")) for name in names]
        here = socket.gethostname()
        dead = [each["hostname"] == here and start_time(each["pid"]) is None for each in locks]
        if locks:
            self.run("unlock", *(["--remove-all"] if all(dead) else []))

    def save(
        self, folder: Path, *, host: str, volumes: bool, lacks: Collection[str] = ()
    ) -> dict[str, int | str]:
        """Back a folder up; {"snapshot_id", "total_bytes_processed", "data_added"}. lacks: names
        of hosts, see Snapshot."""
        kind = HOLDING_VOLUMES if volumes else "platform"
        tags = ",".join([kind, *(LACKS + each for each in sorted(lacks))])
        told = self.run("backup", "--json", "--host", host, "--tag", tags, ".", cwd=folder)
        summary: dict[str, int | str] = json.loads(told.strip().splitlines()[-1])
        return summary

    def snapshots(self) -> list[Snapshot]:
        """Oldest first."""
        found = json.loads(self.run("snapshots", "--json")) or []
        made = [
            Snapshot(
                each["id"],
                datetime.fromisoformat(each["time"][:19] + "+00:00"),
                tuple(each.get("tags") or ()),
            )
            for each in found
        ]
        return sorted(made, key=lambda each: each.time)

    def forget(self) -> None:
        """Keep 7 days and 4 weeks: with volumes, without, and those that lack a host's, each for
        itself, so that none takes the place of the last that holds more. What lacks some goes once
        a backup that lacks nothing is a week newer."""
        holding = [each for each in self.snapshots() if each.holds_volumes]
        whole = [each.time for each in holding if not each.lacks]
        old = [each.id for each in holding if each.lacks and whole and each.time < whole[-1] - WEEK]
        if old:
            self.run("forget", *old)
        self.run("forget", "--group-by", "host,tags", *KEPT, "--prune")

    def restore(self, snapshot: Snapshot, target: Path, only: Collection[str] = ()) -> Path:
        """Lay a backup's files out in an empty folder, which is returned. only: these paths in it."""
        include = [f"--include=/{each}" for each in only]
        self.run("restore", snapshot.id, "--target", str(target), *include)
        return target

    def read(self, snapshot: Snapshot, path: str) -> str:
        """One text file of a backup."""
        return self.run("dump", snapshot.id, f"/{path}")


class NoRepository(PortwrightError):
    """There is nothing at the location."""


def failure(said: str) -> PortwrightError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for sign, cause, remedy in CAUSES:
        if sign.lower() in said.lower():
            return PortwrightError(cause, remedy=remedy, path="backup")
    if "Is there a repository at the following location" in said or "key does not exist" in said:
        return NoRepository(
            "there is no repository there",
            remedy="correct PORTWRIGHT_BACKUP, or see that its disk is mounted",
            path="backup",
        )
    last = next(
        (line for line in reversed(lines) if line.startswith("Fatal")), " ".join(lines[-1:])
    )
    return PortwrightError(
        f"restic failed: {last[:300]}", remedy="correct what it says", path="backup"
    )


def repository(settings: Settings) -> Repository:
    """This host's; raises PortwrightError where none is set."""
    if not settings.backup:
        raise PortwrightError(
            "no place for backups is set",
            remedy="set PORTWRIGHT_BACKUP to a folder on another disk or to s3:https://HOST/BUCKET, "
            "then run ./quickstart",
            path="backup",
        )
    settings.key("backup-password")
    return open_repository(settings, settings.backup, settings.home / "keys/backup-password")


def open_repository(settings: Settings, location: str, password_file: Path) -> Repository:
    """Any repository; raises PortwrightError for an address that can't be used."""
    if not REPOSITORY.fullmatch(location):
        raise PortwrightError(
            f"{location!r} is no place for backups",
            remedy="give an absolute path, or s3:https://HOST/BUCKET",
            path="repository",
        )
    keys = {}
    if location.startswith("s3:"):
        keys = {name: os.environ.get(name) or settings.key(file) for name, file in S3_KEYS.items()}
    return Repository(location, password_file, settings.home / "backups/cache", keys)
