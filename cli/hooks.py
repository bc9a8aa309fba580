"""`portwright hooks`: where forges tell of pushes and pull requests, and what they sent."""

from __future__ import annotations

from typing import Any

import click

from cli.client import connect, project_path
from cli.show import as_json, line, problem, table, when

FORGES = ("github", "gitlab", "gitea", "bitbucket", "generic")


@click.group()
def hooks() -> None:
    """Where forges tell of pushes and pull requests, and what they sent."""


@hooks.command("list")
@click.argument("project")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_hooks(project: str, plain: bool) -> None:
    """List the hooks of PROJECT."""
    found = connect().json("GET", project_path(project, "hooks"))["hooks"]
    if plain:
        return as_json(found)
    if not found:
        return line(f"No hooks yet. Next: portwright hooks add {project}")
    rows = []
    for each in found:
        at_forge = "by Portwright" if each["forge_id"] else "by hand"
        last = when(each["last_delivery"] or "never")
        rows.append((each["id"], each["scheme"], each["url"], at_forge, last))
    table(("hook", "forge", "url", "set up", "last delivery (UTC)"), rows)


@hooks.command()
@click.argument("project")
@click.option("--forge", type=click.Choice(FORGES), help="Guessed from the address unless given.")
@click.option("--at-forge", is_flag=True, help="Make it there too, with the token that is kept.")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def add(project: str, forge: str | None, at_forge: bool, plain: bool) -> None:
    """Make a hook of PROJECT; its secret is shown this once."""
    body = {"at_forge": at_forge, **({"scheme": forge} if forge else {})}
    made = connect().json("POST", project_path(project, "hooks"), json=body)
    if plain:
        return as_json(made)
    hook, steps = made["hook"], made["by_hand"]
    line(f"Hook {hook['id']} is there. Its secret, shown this once: ", (hook["secret"], "bold"))
    if made["set_up"]:
        return line("It is set up at the forge: nothing is left to do.")
    if made["problem"]:
        problem(made["problem"]["message"], made["problem"]["remedy"])
    line(f"By hand, at {steps['place']}:")
    table(("field", "what to type"), steps["fields"])


@hooks.command()
@click.argument("project")
@click.argument("hook", type=click.IntRange(1))
@click.option("--at-forge", is_flag=True, help="Give it to the forge, with the token that is kept.")
def rotate(project: str, hook: int, at_forge: bool) -> None:
    """Make a new secret, shown this once; the old one counts until the new one is used."""
    client = connect()
    made = client.json("POST", project_path(project, "hooks", str(hook), "rotate"), json={})["hook"]
    line(f"The new secret of hook {hook}: ", (made["secret"], "bold"))
    if at_forge:
        client.json("POST", project_path(project, "hooks", str(hook), "set-up"), json={})
        return line("The forge has it.")
    line("Give it to the forge; the one before counts until it is used.")


@hooks.command("set-up")
@click.argument("project")
@click.argument("hook", type=click.IntRange(1))
def set_up(project: str, hook: int) -> None:
    """Make HOOK at the forge, with the token that is kept with the project's source."""
    connect().json("POST", project_path(project, "hooks", str(hook), "set-up"), json={})
    line(f"Hook {hook} is set up at the forge.")


@hooks.command()
@click.argument("project")
@click.argument("hook", type=click.IntRange(1))
def remove(project: str, hook: int) -> None:
    """Delete HOOK and the list of what was sent to it."""
    told = connect().json("DELETE", project_path(project, "hooks", str(hook)))["told"]
    line(f"Hook {hook} is deleted. {told}".strip())


@hooks.command()
@click.argument("project")
@click.argument("delivery", type=click.IntRange(1), required=False)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def deliveries(project: str, delivery: int | None, limit: int, plain: bool) -> None:
    """List the newest deliveries to PROJECT's hooks, or show one with headers and payload."""
    client = connect()
    if delivery is not None:
        path = project_path(project, "deliveries", str(delivery))
        return show(client.json("GET", path)["delivery"], plain)
    path = project_path(project, "deliveries")
    found = client.json("GET", path, params={"limit": limit})["deliveries"]
    if plain:
        return as_json(found)
    rows = []
    for each in found:
        runs = ", ".join(str(run) for run in each["runs"])
        rows.append((each["id"], when(each["received_at"]), each["event"], runs, each["outcome"]))
    table(("delivery", "when (UTC)", "event", "runs", "what came of it"), rows)


def show(delivery: dict[str, Any], plain: bool) -> None:
    if plain:
        return as_json(delivery)
    line((f"{delivery['event']} {delivery['id']}  ", "bold"), delivery["outcome"])
    for name, content in delivery["headers"].items():
        line((f"{name}: ", "dim"), str(content))
    line(delivery["payload"] or "What was sent is kept for 14 days only.")


@hooks.command()
@click.argument("project")
@click.argument("delivery", type=click.IntRange(1))
def redeliver(project: str, delivery: int) -> None:
    """Work DELIVERY through again, as if the forge had sent it now."""
    path = project_path(project, "deliveries", str(delivery), "redeliver")
    answer = connect().json("POST", path, json={})
    runs = "".join(f", run {run['id']}" for run in answer["runs"])
    line(f"Delivery {answer['delivery']}: {answer['result']}{runs}")
