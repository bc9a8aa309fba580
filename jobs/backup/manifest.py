"""What a backup says about itself: enough to check it, and to restore it elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, table
from sqlalchemy.orm import Session

from jobs import migrate, versions
from jobs.models import Environment, now
from jobs.queries import release_numbered
from jobs.settings import Settings
from stacks.errors import PortwrightError

FORMAT = 2
READABLE = (1, 2)  # 1 knew no volumes of other hosts
NAME = "manifest.json"
VOLUMES = "volumes"
NOT_SET = ("home", "cache", "backup")  # settings that belong to a machine


@dataclass(frozen=True)
class Manifest:
    """files: path in the backup → SHA-256. tables: name → rows. environments: those that
    served, {"project", "environment", "release", "commit"}. volumes: see volumes.save_volume;
    "host" where they are of another one. missing: what is not in it, see lacking.lacking."""

    format: int
    made_at: str
    home: str
    schema: str
    settings: dict[str, str]
    tables: dict[str, int]
    environments: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    files: dict[str, str]
    missing: list[dict[str, str]] = field(default_factory=list)

    @property
    def instance(self) -> str:
        return self.settings["instance"]

    @property
    def database(self) -> str:
        return self.settings["database"]


def describe(
    session: Session,
    engine: Engine,
    settings: Settings,
    folder: Path,
    volumes: list[dict[str, Any]],
    missing: list[dict[str, str]],
) -> Manifest:
    """Of the files in folder. session, engine: of the copy of the database that is among them."""
    return Manifest(
        FORMAT,
        now().isoformat(),
        str(settings.home),
        migrate.current(engine) or "",
        {name: str(value) for name, value in asdict(settings).items() if name not in NOT_SET},
        counts(engine),
        serving(session),
        volumes,
        {str(path.relative_to(folder)): digest(path) for path in files(folder)},
        missing,
    )


def write(manifest: Manifest, folder: Path) -> None:
    (folder / NAME).write_text(json.dumps(asdict(manifest), indent=1))


def read(folder: Path) -> Manifest:
    """Raises PortwrightError where the folder holds no backup that this version can read."""
    try:
        text = (folder / NAME).read_text()
    except (OSError, ValueError):
        text = ""
    return parse(text)


def parse(text: str) -> Manifest:
    """The same of the manifest's text."""
    try:
        content = json.loads(text)
        if content["format"] not in READABLE:
            raise PortwrightError(
                f"the backup has format {content['format']}, this Portwright reads {FORMAT}",
                remedy="install the Portwright that made it",
                path="backup",
            )
        return Manifest(**content)
    except (ValueError, KeyError, TypeError):
        raise PortwrightError(
            "there is no readable manifest in it", remedy="take an older backup", path="backup"
        ) from None


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: int(connection.scalar(select(func.count()).select_from(table(name))) or 0)
            for name in sorted(versions.shape(engine))
        }


def serving(session: Session) -> list[dict[str, Any]]:
    found = []
    for environment in session.scalars(select(Environment).order_by(Environment.id)):
        release = release_numbered(session, environment, environment.release)
        if release is not None and environment.project.deleted_at is None:
            found.append({
                "project": environment.project.name,
                "environment": environment.name,
                "release": release.number,
                "commit": release.commit,
            })  # fmt: skip
    return found


def called(volume: dict[str, Any]) -> str:
    """How a volume in a manifest is told from all others: NAME on this machine, else HOST/NAME."""
    host = volume.get("host")
    return f"{host}/{volume['name']}" if host else str(volume["name"])


def tar_of(volume: dict[str, Any]) -> str:
    """Its file in the backup."""
    return f"{VOLUMES}/{called(volume)}.tar"


def files(folder: Path) -> Iterator[Path]:
    """Every file below, in order; the manifest itself is none of them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path != folder / NAME:
            yield path


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
