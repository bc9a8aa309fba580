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


@environments.command()
@click.argument("project")
@click.argument("name")
@click.option("--branch", help="Whose pushes deploy it; '' for none.")
@click.option("--branches", multiple=True, metavar="PATTERN", help="Instead of the branch.")
@click.option("--tags", multiple=True, metavar="PATTERN", help="Tags that deploy it.")
@click.option("--paths", multiple=True, metavar="PATTERN", help="Only pushes that change these.")
@click.option("--every-push", is_flag=True, help="Without patterns: all pushes to the branch.")
def pushes(
    project: str, name: str, branch: str | None, every_push: bool, **patterns: tuple[str, ...]
) -> None:
    """Choose which pushes deploy environment NAME; patterns replace those before."""
    body: dict[str, object] = {} if branch is None else {"branch": branch}
    if every_push or any(patterns.values()):
        body["filters"] = {field: list(given) for field, given in patterns.items() if given}
    if not body:
        raise click.UsageError("Give --branch, patterns or --every-push.")
    path = project_path(project, "environments", name)
    taken = connect().json("PATCH", path, json=body)["environment"]["pushes"]
    if not taken:
        return line(f"No push deploys {name}.")
    words = [f"{field} {', '.join(given)}" for field, given in taken.items() if given]
    line(f"{name} is deployed by pushes: {'; '.join(words)}.")
