"""`portwright`: a thin client of the portal's API. It knows neither the database nor Docker."""

from __future__ import annotations

import click

from cli.approving import approve, cancel, reject
from cli.backups import backups, restore
from cli.deploying import deploy, destroy, drift, plan, rollback
from cli.dockerfile import dockerfile
from cli.environments import environments
from cli.hooks import hooks
from cli.host import bootstrap, host
from cli.hosts import hosts
from cli.importing import import_compose
from cli.login import login, logout
from cli.previews import previews
from cli.projects import projects
from cli.reading import logs, releases, runs
from cli.registries import registries
from cli.secret_values import secrets
from cli.snapshots import snapshots
from cli.source import source
from cli.upgrading import upgrade


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="portwright")
def main() -> None:
    """Deploy with a plan that you can read first."""


COMMANDS = (
    login, logout, projects, environments, secrets, source, registries, hooks, previews, snapshots,
    plan, deploy, approve, reject, cancel, rollback, drift, destroy,
    runs, releases, logs, import_compose, dockerfile,
    backups, restore, upgrade, bootstrap, host, hosts,
)  # fmt: skip
for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    main()
