"""`portwright projects` and `portwright projects add`."""

from __future__ import annotations

import click

from cli.client import connect, project_path
from cli.follow import follow, print_end
from cli.show import as_json, line, state, table


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
def add(name: str, repository: str, branch: str) -> None:
    """Register a git REPOSITORY (https://…, git@…, or a path on the server) as NAME."""
    body = {"name": name, "repository": repository, "branch": branch}
    connect().json("POST", "/api/projects", json=body)
    line(f"{name} is registered. Next: portwright plan {name}")


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
