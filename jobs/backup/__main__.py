"""Backups on the host itself, which need no account: `python -m jobs.backup`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
from sqlalchemy.orm import Session

from jobs.backup import make, progress, refill, restore
from jobs.backup.restic import repository
from jobs.backup.verify import verify as verify_backup
from jobs.database import create_tables, open_engine, session_factory
from jobs.hosts.registry import named, placed
from jobs.models import Run
from jobs.settings import Settings
from jobs.states import FINAL
from stacks.errors import explained

ACTOR = "the host's administrator"
STEP = 0.5


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    context.obj = Settings.from_environ()


def opened(settings: Settings) -> Session:
    engine = open_engine(settings.database_url)
    create_tables(engine)
    return session_factory(settings.database_url)()


@main.command()
@click.option("--volumes", is_flag=True, help="with all volumes of this instance")
@click.pass_obj
def create(settings: Settings, volumes: bool) -> None:
    """Back up now; prints what was made as JSON. Exit with 1 where it does not hold everything."""
    with opened(settings) as session:
        made = make.create(session, settings, by=ACTOR, volumes=volumes)
    print(json.dumps(made, indent=1))
    for lack in made["missing"]:
        print(f"{lack['message']}\n  what to do: {lack['remedy']}", file=sys.stderr)
    sys.exit(1 if made["missing"] else 0)


@main.command()
@click.option("--snapshot", help="which one; default: the newest")
@click.pass_obj
def verify(settings: Settings, snapshot: str | None) -> None:
    """Restore a backup into a scratch folder and open everything in it."""
    with opened(settings) as session:
        told = verify_backup(session, settings, by=ACTOR, snapshot=snapshot)
        print(json.dumps(told, indent=1))


@main.command("list")
@click.pass_obj
def list_snapshots(settings: Settings) -> None:
    """Which backups there are, oldest first."""
    for each in repository(settings).snapshots():
        print(f"{each.id[:8]}  {each.time:%Y-%m-%d %H:%M}  {' '.join(each.tags)}")


@main.command()
@click.argument("location")
@click.option("--password-file", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--snapshot", help="which one; default: the newest")
@click.pass_obj
def fetch(settings: Settings, location: str, password_file: Path, snapshot: str | None) -> None:
    """First step of a restore: the files come here, keys and repositories to their places."""
    manifest = restore.fetch(settings, location, password_file, snapshot)
    print(f"the backup of {manifest.made_at[:16]}: {len(manifest.files)} files, all whole")


@main.command()
@click.argument("step", type=click.Choice(["fetched", "loaded", "filled"]))
@click.pass_obj
def restored(settings: Settings, step: str) -> None:
    """Exit with 0 where a restore has come so far, else with 1."""
    sys.exit(0 if progress.done(settings, step) else 1)


@main.command()
@click.pass_obj
def load(settings: Settings) -> None:
    """The database and the engine's state."""
    restore.load(settings, open_engine(settings.database_url))


@main.command()
@click.pass_obj
def fill(settings: Settings) -> None:
    """The volumes."""
    with opened(settings) as session:
        told = restore.load_volumes(session, settings)
    progress.mark(settings, "filled")
    print("\n".join(told) or "no volume is in the backup")


@main.command("fill-host")
@click.argument("name")
@click.option("--snapshot", help="which one; default: the newest that holds all its volumes")
@click.pass_obj
def fill_host(settings: Settings, name: str, snapshot: str | None) -> None:
    """The volumes of another host that was lost, once a machine is there under its name again.
    Exit with 1 where one was not filled."""
    with opened(settings) as session:
        done = refill.refill(session, settings, name, by=ACTOR, snapshot=snapshot)
        projects = [each.name for each in placed(session, named(session, name))]
    print(f"from the backup {done['snapshot']} of {done['made_at'][:16]}:")
    print("\n".join(refill.told(name, done["volumes"])))
    for project in projects:
        print(f"now: portwright deploy {project}")
    sys.exit(1 if any(done["volumes"].values()) else 0)


@main.command()
@click.pass_obj
def follow(settings: Settings) -> None:
    """Wait for the deploys that the restore has asked for; exit with 1 where one failed."""
    waiting: list[int] = list(progress.progress(settings).get("runs", []))
    failed = 0
    with opened(settings) as session:
        while waiting:
            session.expire_all()
            for run in [session.get_one(Run, run_id) for run_id in waiting]:
                if run.state in FINAL:
                    waiting.remove(run.id)
                    failed += run.state != "succeeded"
                    print(told(run), flush=True)
            session.rollback()
            time.sleep(STEP)
    progress.finish(settings)
    sys.exit(1 if failed else 0)


def told(run: Run) -> str:
    name = f"{run.environment.project.name} {run.environment.name}: {run.state}"
    if run.state == "succeeded" or not run.error:
        return name
    return f"{name}: {run.error['message']}\n  what to do: {run.error['remedy']}"


if __name__ == "__main__":
    with explained():
        main()
