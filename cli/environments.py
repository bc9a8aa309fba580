"""`portwright environments`: list, add, and the policy of one."""

from __future__ import annotations

import click

from cli.client import connect, project_path
from cli.show import as_json, line, table

POLICIES = ("auto", "destructive", "always")


@click.group()
def environments() -> None:
    """Environments of a project, and which of their plans need a yes."""


@environments.command("list")
@click.argument("project")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_environments(project: str, plain: bool) -> None:
    """List them."""
    found = connect().json("GET", project_path(project, "environments"))["environments"]
    if plain:
        return as_json(found)
    rows = [(each["name"], each["release"] or "-", each["policy"]) for each in found]
    table(("environment", "release", "policy"), rows)


@environments.command()
@click.argument("project")
@click.argument("name")
def add(project: str, name: str) -> None:
    """Add an environment; the project file says what differs in it."""
    connect().json("POST", project_path(project, "environments"), json={"name": name})
    line(f"{name} is there. Next: portwright plan {project} --environment {name}")


@environments.command()
@click.argument("project")
@click.argument("name")
@click.argument("policy", type=click.Choice(POLICIES))
def policy(project: str, name: str, policy: str) -> None:
    """Carry plans out unasked (auto), ask where something goes for good (destructive), or always."""
    body = {"policy": policy}
    connect().json("PATCH", project_path(project, "environments", name), json=body)
    line(f"The policy of {name} is now {policy}.")
