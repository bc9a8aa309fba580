"""Whether a backup can be restored: it is, into a scratch folder, and everything in it is opened."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import ColumnElement, Engine, select, text
from sqlalchemy.orm import Session

from jobs import versions
from jobs.backup import state
from jobs.backup.contents import open_copy
from jobs.backup.make import VERIFIED, alone, recorded, scratch
from jobs.backup.manifest import Manifest, counts, digest, files, read, tar_of
from jobs.backup.restic import Repository, Snapshot, repository
from jobs.models import Base
from jobs.records import record
from jobs.settings import Settings
from stacks.errors import PortwrightError

KEYS = ("secret-key", "vault-key", "passphrase", "backup-password")
OLDER = "an older backup may be whole; find out what damaged this one, and back up again"


def verify(
    session: Session, settings: Settings, *, by: str, snapshot: str | None = None
) -> dict[str, Any]:
    """Check the newest backup (or the named one); returns what its Event tells: {"snapshot",
    "made_at", "seconds", "files", "rows", "secrets", "stacks"}. Raises PortwrightError, recorded."""
    with alone(settings, "a verification"), recorded(session, by, "verify"):
        began = time.monotonic()
        of = repository(settings)
        of.unlock()
        of.run("check")
        chosen = choose(of, snapshot)
        with scratch(settings, "verify") as folder:
            checked = check(of.restore(chosen, folder))
        detail = {"snapshot": chosen.id[:8], **checked}
        detail["seconds"] = round(time.monotonic() - began, 1)
        record(session, by, VERIFIED, None, **detail)
        session.commit()
    return detail


def choose(of: Repository, wanted: str | None, volumes: bool = False) -> Snapshot:
    """The newest, or the one whose id begins so. volumes: only of those that hold them."""
    found = [each for each in of.snapshots() if each.holds_volumes or not volumes]
    found = [each for each in found if each.id.startswith(wanted or "")]
    if not found:
        raise PortwrightError(
            f"there is no backup {wanted}" if wanted else "there is no backup yet",
            remedy="portwright backups list tells which there are" if wanted else "back up now",
            path="backup",
        )
    return found[-1]


def check(folder: Path) -> dict[str, Any]:
    """Everything that a restored folder must hold; raises PortwrightError for the first that is wrong."""
    manifest = read(folder)
    check_files(manifest, folder)
    with open_copy(manifest.database, folder) as engine:
        check_database(manifest, engine)
        secrets = check_secrets(engine, folder)
    stacks = state.check(manifest, folder) if manifest.database == "sqlite" else 0
    return {
        "made_at": manifest.made_at,
        "files": len(manifest.files),
        "rows": sum(manifest.tables.values()),
        "secrets": secrets,
        "stacks": stacks,
        "volumes": len(manifest.volumes),
    }


def check_files(manifest: Manifest, folder: Path) -> None:
    there = {str(path.relative_to(folder)) for path in files(folder)}
    for name in sorted(manifest.files.keys() | there):
        check_file(manifest, folder, name)
    needed = [f"keys/{name}" for name in KEYS]
    needed += [tar_of(each) for each in manifest.volumes]
    for name in needed:
        if name not in there or not (folder / name).stat().st_size:
            raise PortwrightError(f"{name} is missing or empty", remedy=OLDER, path="backup")


def check_file(manifest: Manifest, folder: Path, name: str) -> None:
    path = folder / name
    there = path.is_file() and not path.is_symlink()
    if not there or digest(path) != manifest.files.get(name):
        what = "is not what was backed up" if there else "is missing"
        raise PortwrightError(f"{name} {what}", remedy=OLDER, path="backup")


def check_database(manifest: Manifest, engine: Engine) -> None:
    if manifest.schema not in versions.order():
        raise PortwrightError(
            f"its database is of version {manifest.schema}, which this Portwright does not know",
            remedy="verify it with the Portwright that made it",
            path="database",
        )
    if manifest.database == "sqlite":
        with engine.connect() as connection:
            said = connection.scalar(text("PRAGMA integrity_check"))
            lost = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        if said != "ok" or lost:
            raise PortwrightError(f"it is damaged: {said}, {lost}", remedy=OLDER, path="database")
    there = counts(engine)
    if there != manifest.tables:
        raise PortwrightError(
            f"it has {there} rows, not {manifest.tables}", remedy=OLDER, path="database"
        )


def sealed_columns() -> list[ColumnElement[bytes]]:
    """Every column with something under the vault's key, by its name."""
    return [
        column
        for each in Base.metadata.sorted_tables
        for column in each.columns
        if column.name.startswith("sealed")
    ]


def check_secrets(engine: Engine, folder: Path) -> int:
    """Each secret opens with the key that is beside it; returns how many."""
    vault = Fernet((folder / "keys/vault-key").read_text().strip())
    with Session(engine) as session:
        sealed = [
            value
            for column in sealed_columns()
            for value in session.scalars(select(column).where(column.is_not(None)))
        ]
    try:
        for each in sealed:
            vault.decrypt(each)
    except InvalidToken:
        raise PortwrightError(
            "a secret does not open with the key beside it", remedy=OLDER, path="keys/vault-key"
        ) from None
    return len(sealed)
