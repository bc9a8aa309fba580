"""`portwright projects` and `portwright projects add`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cli.client import connect, project_path
from cli.follow import follow, print_end
from cli.show import as_json, line, state, table


def on_a_host(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which machine a project runs on."""
    for option in (
        click.option(
            "--host-label", default="", metavar="KEY=VALUE",
            help="Of the hosts with this label, the one with the fewest projects.",
        ),
        click.option("--host", default="", help="See `portwright hosts list`; local unless given."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
@click.pass_context
def projects(context: click.Context, plain: bool) -> None:
    """List your projects."""
    if context.invoked_subcommand:
        return
    found = connect().json("GET", "/api/projects")["projects"]
    if plain:
        return as_json(found)
    if not found:
        return line("No projects yet. Register one with: portwright projects add NAME REPOSITORY")
    rows = []
    for each in found:
        last = each.get("last_run") or {}
        run = f"{last['kind']} {last['id']} {last['state']}" if last else ""
        release = each["release"] or "-"
        style = state(last.get("state"))[1]
        rows.append((each["name"], release, (run, style), " ".join(each["urls"])))
    table(("project", "release", "last run", "url"), rows)


@projects.command()
@click.argument("name")
@click.argument("repository")
@click.option("--branch", default="main", show_default=True)
@on_a_host
def add(name: str, repository: str, branch: str, host: str, host_label: str) -> None:
    """Register a git REPOSITORY (https://…, git@…, or a path on the server) as NAME."""
    body = {
        "name": name, "repository": repository, "branch": branch,
        "host": host, "host_label": host_label,
    }  # fmt: skip
    connect().json("POST", "/api/projects", json=body)
    line(f"{name} is registered. Next: portwright plan {name}")


@projects.command()
@click.argument("name")
@on_a_host
def place(name: str, host: str, host_label: str) -> None:
    """Run NAME on another host from its next deploy on; refused while anything of it is deployed."""
    body = {"host": host, "host_label": host_label}
    placed = connect().json("PUT", project_path(name, "host"), json=body)["project"]
    line(f"{name} is placed on {placed['host']}. Next: portwright deploy {name}")


@projects.command()
@click.argument("name")
@click.option("--no", "refuse", is_flag=True, help="Take it back.")
def allow(name: str, refuse: bool) -> None:
    """Let services of NAME have power over the host (`host:`). For the host's owner only."""
    connect().json("PATCH", project_path(name), json={"host_access": not refuse})
    line(f"{name} may {'no longer ' if refuse else ''}reach the host.")


@projects.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
def delete(name: str, yes: bool) -> None:
    """Delete NAME: its runs are cancelled, all that it runs is destroyed. Volumes stay."""
    if not yes:
        click.confirm(f"Delete {name} and all that it runs?", abort=True)
    client = connect()
    for run in client.json("DELETE", project_path(name))["runs"]:
        print_end(follow(client, run["id"]))
    line(f"{name} is deleted. Its volumes stay in Docker.")
