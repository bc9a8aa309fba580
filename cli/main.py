"""`portwright`: a thin client of the portal's API. It knows neither the database nor Docker."""

from __future__ import annotations

import click

from cli.deploying import deploy, destroy, plan, rollback
from cli.login import login, logout
from cli.projects import projects
from cli.reading import logs, releases, runs
from cli.secret_values import secrets


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="portwright")
def main() -> None:
    """Deploy with a plan that you can read first."""


COMMANDS = (login, logout, projects, plan, deploy, runs, releases, rollback, logs, destroy, secrets)
for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    main()
