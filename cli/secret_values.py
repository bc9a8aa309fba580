"""`portwright secrets PROJECT` and `secrets set`. A value never passes the command's arguments."""

from __future__ import annotations

import click

from cli.client import connect, project_path
from cli.deploying import environment_option
from cli.show import as_json, line, table
from cli.typed import read_secret


@click.group()
def secrets() -> None:
    """Secrets of a project: names go out, values only go in."""


@secrets.command("list")
@click.argument("project")
@environment_option
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_secrets(project: str, environment: str | None, plain: bool) -> None:
    """List names and versions; with -e previews those of all previews."""
    params = {"environment": environment} if environment else {}
    found = connect().json("GET", project_path(project, "secrets"), params=params)["secrets"]
    if plain:
        return as_json(found)
    table(("name", "version"), [(each["name"], each["version"]) for each in found])


@secrets.command("set")
@click.argument("project")
@click.argument("name")
@environment_option
def set_secret(project: str, name: str, environment: str | None) -> None:
    """Store a new version of NAME; asks for the value, or reads it from standard input.

    Standard input is stored byte for byte, its final newline included.
    With -e NAME it is that environment's own; -e previews means all previews.
    """
    client = connect()
    value = read_secret(name, confirm=True)
    body = {"value": value, **({"environment": environment} if environment else {})}
    made = client.json("PUT", project_path(project, "secrets", name), json=body)["secret"]
    line(f"{name} is now version {made['version']}. The next deploy uses it.")
    if value.endswith("\n") and value.count("\n") == 1:
        line("The value ends with a newline, which is stored too. To leave it out, use printf %s.")
