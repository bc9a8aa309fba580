"""`portwright snapshots`: data that new previews start from."""

from __future__ import annotations

import click

from cli.client import connect, project_path
from cli.deploying import carry_out, environment_option
from cli.show import as_json, line, table, when


@click.group()
def snapshots() -> None:
    """Data that new previews start from."""


@snapshots.command("list")
@click.argument("project")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_snapshots(project: str, plain: bool) -> None:
    """List the snapshots of PROJECT."""
    found = connect().json("GET", project_path(project, "snapshots"))["snapshots"]
    if plain:
        return as_json(found)
    table(
        ("snapshot", "bytes", "taken (UTC)"),
        [(each["name"], each["size"], when(each["taken_at"])) for each in found],
    )


@snapshots.command(context_settings={"ignore_unknown_options": True})
@click.argument("project")
@click.argument("name")
@click.argument("service")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@environment_option
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def take(
    project: str,
    name: str,
    service: str,
    command: tuple[str, ...],
    environment: str | None,
    no_follow: bool,
) -> None:
    """Keep what COMMAND prints in a container of SERVICE, such as: take shop base db pg_dump shop.

    Options of this command go before PROJECT.
    """
    client = connect()
    body = {"name": name, "service": service, "command": list(command)}
    body |= {"environment": environment} if environment else {}
    answer = client.json("POST", project_path(project, "snapshots"), json=body)
    carry_out(client, answer["run"], not no_follow)


@snapshots.command()
@click.argument("project")
@click.argument("name")
def remove(project: str, name: str) -> None:
    """Delete a snapshot; what was seeded with it stays."""
    connect().send("DELETE", project_path(project, "snapshots", name))
    line(f"Snapshot {name} is removed.")
