"""`portwright runs`, `releases` and `logs`."""

from __future__ import annotations

import click

from cli.client import Client, connect, project_path
from cli.deploying import environment_option
from cli.errors import Failure
from cli.follow import follow, print_end, print_log
from cli.show import as_json, line, state, table, when


@click.command()
@click.argument("project")
@environment_option
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def runs(project: str, environment: str | None, limit: int, plain: bool) -> None:
    """List the newest runs of PROJECT."""
    answer = connect().json(
        "GET", project_path(project, "runs"), params={"limit": limit, **of(environment)}
    )
    if plain:
        return as_json(answer["runs"])
    rows = []
    for run in answer["runs"]:
        what = (run["id"], run["kind"], state(run["state"]), (run["commit"] or "")[:7])
        rows.append((*what, run["subject"], run["requested_by"], when(run["created_at"])))
    table(("run", "kind", "state", "commit", "subject", "by", "when (UTC)"), rows)


@click.command()
@click.argument("project")
@environment_option
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def releases(project: str, environment: str | None, plain: bool) -> None:
    """List the releases of PROJECT; the one that serves has a star."""
    answer = connect().json("GET", project_path(project, "releases"), params=of(environment))
    if plain:
        return as_json(answer["releases"])
    if not answer["releases"]:
        return line(f"No releases yet. Next: portwright deploy {project}")
    rows = []
    for each in answer["releases"]:
        mark = ("*", "green") if each["number"] == answer["current"] else ""
        back = f"rolled back to {each['rollback_of']}" if each["rollback_of"] else ""
        back += f" by itself: {each['automatic']}" if each.get("automatic") else ""
        made = (each["requested_by"], when(each["created_at"]))
        rows.append((mark, each["number"], each["commit"][:7], each["subject"], *made, back))
    table(("", "release", "commit", "subject", "by", "when (UTC)", ""), rows)


def of(environment: str | None) -> dict[str, str]:
    return {"environment": environment} if environment else {}


@click.command()
@click.argument("project_or_run")
@click.option("--follow", "watch", is_flag=True, help="Go on until the run ends.")
@click.option("--services", is_flag=True, help="What the project's services print, instead.")
@click.option("--service", help="Only this one's.")
@click.option("--tail", type=click.IntRange(1, 10_000), default=500, show_default=True)
@click.option("--grep", metavar="TEXT", help="Only lines with this in them.")
@environment_option
def logs(
    project_or_run: str,
    watch: bool,
    services: bool,
    service: str | None,
    tail: int,
    grep: str | None,
    environment: str | None,
) -> None:
    """Print the log of a run, or of the newest run of a project; or what its services print."""
    client = connect()
    if services or service:
        asked = {"service": service, "q": grep, "environment": environment}
        params = {"tail": str(tail), **{key: text for key, text in asked.items() if text}}
        return print_log(client.text(project_path(project_or_run, "logs"), params))
    run = run_meant(client, project_or_run)
    if watch:
        return print_end(follow(client, run, print_log))
    offset = 0
    while True:
        piece = client.log(run, offset)
        print_log(piece.text)
        if piece.next == offset:
            return
        offset = piece.next


def run_meant(client: Client, text: str) -> int:
    """A number is a run; anything else is a project (whose names start with a letter)."""
    if text.isdecimal():
        return int(text)
    found = client.json("GET", project_path(text, "runs"), params={"limit": 1})["runs"]
    if not found:
        raise Failure(f"{text} has no runs yet", f"run portwright plan {text}")
    return int(found[0]["id"])
