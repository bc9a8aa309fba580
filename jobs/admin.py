"""The administrator's commands on the host itself, which need no account: `python -m jobs.admin`."""

from __future__ import annotations

import json
import sys
import time

import click
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from jobs.backup.__main__ import main as backup
from jobs.context import open_engine_of
from jobs.database import create_tables, open_engine, session_factory
from jobs.doorbell import doorbell
from jobs.models import Project, Run, User
from jobs.queries import production, service_urls
from jobs.requests import create_project, generate_secret, request_run
from jobs.settings import Settings
from jobs.states import FINAL
from stacks.errors import PortwrightError, explained

ACTOR = "the host's administrator"
STEP = 0.2


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    settings = Settings.from_environ()
    # Asked by a newer version while an older one serves from this database: it only looks.
    if context.invoked_subcommand != "claimed":
        engine = open_engine(settings.database_url)
        create_tables(engine)
        engine.dispose()
    context.obj = (settings, context.with_resource(session_factory(settings.database_url)()))


main.add_command(backup, "backup")


@main.command()
@click.pass_obj
def claimed(given: tuple[Settings, Session]) -> None:
    """Exit with 0 where the platform has an owner, else with 1."""
    try:
        sys.exit(0 if given[1].scalar(select(User.id).limit(1)) else 1)
    except DatabaseError:  # there are no tables yet
        sys.exit(1)


@main.command()
@click.argument("name")
@click.pass_obj
def known(given: tuple[Settings, Session], name: str) -> None:
    """Exit with 0 where there is such a project, else with 1."""
    sys.exit(0 if project_named(given[1], name) else 1)


@main.command()
@click.argument("name")
@click.pass_obj
def deployed(given: tuple[Settings, Session], name: str) -> None:
    """Exit with 0 where a release of the project serves, else with 1."""
    project = project_named(given[1], name)
    sys.exit(0 if project and production(project).release is not None else 1)


@main.command()
@click.argument("name")
@click.argument("repository")
@click.argument("branch")
@click.option("--generate", "secrets", multiple=True, help="a secret to make at random, if missing")
@click.pass_obj
def register(
    given: tuple[Settings, Session],
    name: str,
    repository: str,
    branch: str,
    secrets: tuple[str, ...],
) -> None:
    """Register a repository as a project, where it is not yet."""
    settings, session = given
    project = project_named(session, name)
    print(f"{name} is {'already ' if project else ''}registered")
    project = project or create_project(session, name, repository, branch, by=ACTOR)
    for secret in secrets:
        generate_secret(session, settings.key("vault-key"), project, secret)


@main.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="follow the run to its end")
@click.option("--if-never", is_flag=True, help="only where the project has no release")
@click.pass_obj
def deploy(given: tuple[Settings, Session], name: str, wait: bool, if_never: bool) -> None:
    """Deploy a project's branch."""
    settings, session = given
    project = find(session, name)
    environment = production(project)
    if if_never and environment.release is not None:
        print(f"{name} is deployed already: release {environment.release} serves")
        return
    run = request_run(session, doorbell(settings.redis_url), environment, "deploy", by=ACTOR)
    print(f"run {run.id} is queued", flush=True)
    if wait:
        follow(settings, session, run)


def follow(settings: Settings, session: Session, run: Run) -> None:
    """Print the run's log as it grows; exit with 1 where it failed."""
    log, offset = settings.run_log(run.id), 0
    while True:
        session.expire_all()
        state = run.state
        session.rollback()
        if log.exists():
            with log.open("rb") as file:
                file.seek(offset)
                text = file.read()
                offset += len(text)
            sys.stdout.write(text.decode(errors="replace"))
            sys.stdout.flush()
        if state in FINAL:
            sys.exit(0 if state == "succeeded" else 1)
        time.sleep(STEP)


@main.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="follow the run to its end")
@click.pass_obj
def refresh(given: tuple[Settings, Session], name: str, wait: bool) -> None:
    """Read the host into the engine's state, so that the next plan shows what is gone."""
    settings, session = given
    environment = production(find(session, name))
    run = request_run(session, doorbell(settings.redis_url), environment, "refresh", by=ACTOR)
    if wait:
        follow(settings, session, run)


@main.command()
@click.argument("name")
@click.pass_obj
def history(given: tuple[Settings, Session], name: str) -> None:
    """The engine's own record of what it did, newest first, as JSON."""
    settings, session = given
    environment = production(find(session, name))
    print(json.dumps(open_engine_of(settings, environment).history(), indent=1))


@main.command()
@click.argument("name")
@click.pass_obj
def urls(given: tuple[Settings, Session], name: str) -> None:
    """One URL per line of what the project serves."""
    settings, session = given
    environment = production(find(session, name))
    for url in service_urls(session, environment, settings):
        print(url)


def project_named(session: Session, name: str) -> Project | None:
    return session.scalar(select(Project).where(Project.name == name))


def find(session: Session, name: str) -> Project:
    project = project_named(session, name)
    if project is None:
        raise PortwrightError(f"there is no project {name!r}", remedy="register it", path="name")
    return project


if __name__ == "__main__":
    with explained():
        main()
