"""What a backup holds, gathered in one folder: database, engine's state, keys, repositories,
certificates, logs of Runs, and volumes where they are asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from git import Repo
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.orm import Session

from jobs.backup import elsewhere
from jobs.backup.calm import while_nothing_applies
from jobs.backup.database import write_copy
from jobs.backup.manifest import VOLUMES, Manifest, describe, write
from jobs.backup.scratch_postgres import scratch_postgres
from jobs.backup.volumes import save_volume, volumes_of
from jobs.settings import Settings
from stacks.docker.images.engine import connect

# Folders of the home that can't be made again. Mirrors, checkouts and images can.
FOLDERS = ("keys", "stacks", "traefik", "runs")
REPOSITORIES = "git"
# Nothing of whoever runs it decides how a repository is copied.
GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
# Of the one who sets the platform up, once.
NOT_KEPT = ("setup-token",)


def gather(session: Session, settings: Settings, folder: Path, *, volumes: bool) -> Manifest:
    """Fill an empty folder with everything; its manifest is written last."""
    while_nothing_applies(session, partial(copy_records, settings, folder))
    for name in FOLDERS:
        if (settings.home / name).is_dir():
            ignore = shutil.ignore_patterns(*NOT_KEPT, "*.new", "ready")
            shutil.copytree(settings.home / name, folder / name, symlinks=True, ignore=ignore)
    (folder / REPOSITORIES).mkdir(mode=0o700)
    for repository in sorted((settings.home / REPOSITORIES).glob("*.git")):
        clone(repository, folder / REPOSITORIES / repository.name)
    saved, missing = save_volumes(session, settings, folder / VOLUMES) if volumes else ([], [])
    with open_copy(settings.database, folder) as engine, Session(engine) as copied:
        manifest = describe(copied, engine, settings, folder, saved, missing)
    write(manifest, folder)
    return manifest


def copy_records(settings: Settings, folder: Path) -> None:
    """The database and the engine's state, of one moment; a second time replaces the first."""
    copy = database_in(settings.database, folder)
    copy.unlink(missing_ok=True)
    write_copy(make_url(settings.database_url), copy, engine_too=True)
    shutil.rmtree(folder / "state", ignore_errors=True)
    if settings.database == "sqlite" and (settings.home / "state").is_dir():
        shutil.copytree(settings.home / "state", folder / "state")


def database_in(kind: str, folder: Path) -> Path:
    return folder / ("database.db" if kind == "sqlite" else "database.dump")


@contextmanager
def open_copy(kind: str, folder: Path) -> Iterator[Engine]:
    """The database of a backup, opened; a Postgres one in a server of its own that goes again."""
    copy = database_in(kind, folder)
    if kind == "postgres":
        with scratch_postgres(copy) as engine:
            yield engine
        return
    engine = create_engine(f"sqlite:///file:{copy}?mode=ro&immutable=1&uri=true")
    try:
        yield engine
    finally:
        engine.dispose()


def clone(repository: Path, target: Path) -> None:
    """A bare copy that is whole, also while somebody pushes."""
    made = Repo.clone_from(str(repository), str(target), env=GIT, mirror=True)
    made.delete_remote(made.remote("origin"))
    made.close()


def save_volumes(
    session: Session, settings: Settings, folder: Path
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Each volume of the instance, in a moment without a deploy that might change its containers;
    what was saved, and what other hosts could not give (elsewhere.save)."""
    folder.mkdir()
    client = connect()
    try:
        saved = [
            while_nothing_applies(
                session,
                partial(save_volume, client, settings, volume, folder / f"{volume.name}.tar"),
            )
            for volume in volumes_of(client, settings)
        ]
    finally:
        client.close()
    others, missing = elsewhere.save(session, settings, folder)
    return saved + others, missing
