"""A new host from a backup: keys and files, then the database and the engine's state, then the
volumes; what served is deployed again by its commit, for images are in no backup."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine, delete, make_url, select, update
from sqlalchemy.orm import Session

from jobs import migrate
from jobs.backup.contents import FOLDERS, REPOSITORIES, database_in
from jobs.backup.database import put_back
from jobs.backup.manifest import Manifest, read, tar_of
from jobs.backup.progress import DATA, PLATFORM, done, mark, progress
from jobs.backup.refill import fill_hosts
from jobs.backup.restic import open_repository
from jobs.backup.verify import check_files, choose
from jobs.backup.volumes import load_volume
from jobs.models import Environment, Health, Project, Run
from jobs.queries import environment_named
from jobs.records import record
from jobs.requests import request_run
from jobs.settings import Settings
from jobs.states import FINAL, change
from stacks.docker.images.engine import connect
from stacks.errors import PortwrightError

BY = "portwright"


def fetch(settings: Settings, location: str, password_file: Path, snapshot: str | None) -> Manifest:
    """Bring a backup here and put its files in their places. Volumes come from the newest
    backup that holds them. Raises PortwrightError where this host is not free for it."""
    check_free(settings)
    of = open_repository(settings, location, password_file)
    chosen = choose(of, snapshot)
    manifest = bring(settings, PLATFORM, of.restore(chosen, empty(settings, "incoming")))
    check_alike(manifest, settings)
    holding = [each for each in of.snapshots() if each.holds_volumes]
    if not chosen.holds_volumes and holding and snapshot is None:
        bring(settings, DATA, of.restore(holding[-1], empty(settings, "incoming")))
    shutil.rmtree(settings.home / "backups/incoming", ignore_errors=True)
    for name in (*FOLDERS, REPOSITORIES):
        if (folder(settings) / name).is_dir():
            shutil.copytree(
                folder(settings) / name, settings.home / name, symlinks=True, dirs_exist_ok=True
            )
    mark(settings, "fetched")
    return manifest


def check_free(settings: Settings) -> None:
    there = [settings.home / "portwright.db", settings.home / "postgres/PG_VERSION"]
    if any(path.exists() for path in there) and not (settings.home / "backups" / PLATFORM).exists():
        raise PortwrightError(
            f"{settings.home} is in use already",
            remedy="restore on a new host, or give another PORTWRIGHT_HOME",
            path="home",
        )


def check_alike(manifest: Manifest, settings: Settings) -> None:
    """Names in Docker and the kind of database are in the backup: they must be the same here."""
    for name, here in (("instance", settings.instance), ("database", settings.database)):
        if manifest.settings[name] != here:
            raise PortwrightError(
                f"the backup is of a host with {manifest.settings[name]!r}, here it is {here!r}",
                remedy=f"set PORTWRIGHT_{name.upper()}={manifest.settings[name]}",
                path=f"PORTWRIGHT_{name.upper()}",
            )


def empty(settings: Settings, name: str) -> Path:
    made = settings.home / "backups" / name
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True, mode=0o700)
    return made


def bring(settings: Settings, name: str, restored: Path) -> Manifest:
    """Check what was restored and put it in its folder."""
    manifest = read(restored)
    check_files(manifest, restored)
    target = settings.home / "backups" / name
    shutil.rmtree(target, ignore_errors=True)
    restored.rename(target)
    return manifest


def folder(settings: Settings) -> Path:
    return settings.home / "backups" / PLATFORM


def load(settings: Settings, engine: Engine) -> None:
    """The database, brought up to date, and the engine's state; deploys of what served are asked for."""
    if done(settings, "loaded"):
        return
    source = folder(settings)
    manifest = read(source)
    if settings.database == "sqlite":
        shutil.rmtree(settings.home / "state", ignore_errors=True)
        if (source / "state").is_dir():
            shutil.copytree(source / "state", settings.home / "state")
    put_back(make_url(settings.database_url), database_in(settings.database, source))
    migrate.upgrade(engine)
    with Session(engine, expire_on_commit=False) as session:
        adopt(session, settings, manifest)
        mark(settings, "loaded", runs=ask_for_deploys(session, manifest))


def adopt(session: Session, settings: Settings, manifest: Manifest) -> None:
    """What the rows say of the old host no longer holds: nothing is at work, folders are ours."""
    error = {
        "path": "",
        "message": "the host was restored from a backup",
        "remedy": "ask for it again",
    }
    for run_id in session.scalars(select(Run.id).where(Run.state.not_in(FINAL))).all():
        change(session, run_id, "cancelled", error=error)
    session.execute(update(Environment).values(lease_run=None, lease_until=None))
    session.execute(delete(Health))
    for project in session.scalars(select(Project)):
        if project.repository.startswith(manifest.home + "/"):
            project.repository = str(settings.home) + project.repository[len(manifest.home) :]
    record(session, BY, "platform.restored", None, made_at=manifest.made_at)
    session.commit()


def ask_for_deploys(session: Session, manifest: Manifest) -> list[int]:
    """A deploy of each commit that served; returns the Runs' ids."""
    asked = []
    for served in manifest.environments:
        query = select(Project).where(Project.name == served["project"])
        environment = environment_named(session.scalars(query).one(), served["environment"])
        assert environment is not None
        run = request_run(
            session, lambda _: None, environment, "deploy",
            by=BY, ref=served["commit"], automatic=f"restored from the backup of {manifest.made_at[:16]}",
        )  # fmt: skip
        asked.append(run.id)
    return asked


def load_volumes(session: Session, settings: Settings) -> list[str]:
    """Fill the volumes; returns what became of each, in words. One of this machine's that was half
    filled by an earlier try is refused with what to do.
    """
    data = settings.home / "backups" / DATA
    source = data if data.exists() else folder(settings)
    manifest = read(source)
    loaded: list[str] = list(progress(settings).get("volumes", []))
    client = connect()
    try:
        for saved in (each for each in manifest.volumes if not each.get("host")):
            if saved["name"] not in loaded:
                load_volume(client, saved, source / tar_of(saved))
                loaded.append(saved["name"])
                mark(settings, "filling", volumes=loaded)
    finally:
        client.close()
    told = [f"{name}: filled" for name in loaded]
    return told + fill_hosts(session, settings, manifest, source)
