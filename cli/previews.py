"""`portwright previews`: environments of pull requests."""

from __future__ import annotations

from typing import Any

import click

from cli.client import connect, project_path
from cli.deploying import carry_out
from cli.errors import Failure
from cli.show import as_json, line, table, when


@click.group()
def previews() -> None:
    """Environments of pull requests: list, extend, approve, wake, close, settings."""


@previews.command("list")
@click.argument("project")
@click.option("--closed", is_flag=True, help="Those that are gone, too.")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_previews(project: str, closed: bool, plain: bool) -> None:
    """List the previews of PROJECT."""
    params = {"closed": int(closed)}
    found = connect().json("GET", project_path(project, "previews"), params=params)["previews"]
    if plain:
        return as_json(found)
    if not found:
        return line(f"No previews. Settings: portwright previews settings {project}")
    rows = []
    for each in found:
        about = (each["number"], each["status"], each["commit"][:7], each["head_branch"])
        until = when(each["expires_at"] or "-")
        rows.append((*about, until, " ".join(each["urls"]) or each["words"], each["title"]))
    table(("#", "state", "commit", "branch", "until (UTC)", "url", "title"), rows)


def act(project: str, number: int, action: str, **body: Any) -> dict[str, Any]:
    path = project_path(project, "previews", str(number), action)
    return connect().json("POST", path, json=body)


def number_argument(command: Any) -> Any:
    return click.argument("project")(click.argument("number", type=click.IntRange(1))(command))


@previews.command("open")
@number_argument
def open_preview(project: str, number: int) -> None:
    """Print where the preview of pull request NUMBER is, and open it in a browser."""
    found = connect().json("GET", project_path(project, "previews", str(number)))["preview"]
    if not found["urls"]:
        raise Failure(f"it has no address: {found['words']}", f"portwright previews list {project}")
    for url in found["urls"]:
        line(url)
    if found["urls"][0].startswith(("http://", "https://")):
        click.launch(found["urls"][0])


@previews.command()
@number_argument
@click.option("--hours", type=click.IntRange(1, 8760), default=72, show_default=True)
def extend(project: str, number: int, hours: int) -> None:
    """Let the preview stay for so many hours from now."""
    line(act(project, number, "extend", hours=hours)["words"])


@previews.command()
@number_argument
@click.option("--commit", help="All 40 digits of the commit that you read; asks unless given.")
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def approve(project: str, number: int, commit: str | None, no_follow: bool) -> None:
    """Let the commit of a fork run on the host: read it first."""
    client = connect()
    found = client.json("GET", project_path(project, "previews", str(number)))["preview"]
    if commit is None:
        line(f"{found['title']}, by {found['author']}: ", found["pull_request"])
        line(f"Commit {found['commit']} is the code of a stranger.")
        if not click.confirm("Build and run it on the host?"):
            raise Failure("nothing was changed", "read the pull request first")
        commit = found["commit"]
    answer = act(project, number, "approve", commit=commit)
    line(answer["words"])
    if answer["run"]:
        carry_out(client, answer["run"], not no_follow)


@previews.command()
@number_argument
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def deploy(project: str, number: int, no_follow: bool) -> None:
    """Deploy the preview's newest commit again."""
    answer = act(project, number, "deploy")
    line(answer["words"])
    if answer["run"]:
        carry_out(connect(), answer["run"], not no_follow)


@previews.command()
@number_argument
def wake(project: str, number: int) -> None:
    """Start the containers of a preview that sleeps."""
    line(act(project, number, "wake")["words"])


@previews.command()
@number_argument
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def close(project: str, number: int, yes: bool, no_follow: bool) -> None:
    """Take the preview away, with its data."""
    if not yes:
        click.confirm(f"Take the preview of pull request {number} away, with its data?", abort=True)
    answer = act(project, number, "close")
    line(answer["words"])
    if answer["run"]:
        carry_out(connect(), answer["run"], not no_follow)


@previews.command()
@click.argument("project")
@click.option("--on/--off", "enabled", default=None, help="Whether pull requests get previews.")
@click.option("--most", type=click.IntRange(1, 50), help="Open at once.")
@click.option("--ttl-hours", type=click.IntRange(0, 8760), help="After the last push; 0: for ever.")
@click.option("--idle-minutes", type=click.IntRange(0, 10080), help="Until one sleeps; 0: never.")
@click.option("--forks", type=click.Choice(("off", "approve")), help="Those of forks.")
@click.option(
    "--base", "bases", multiple=True, metavar="PATTERN", help="Branches pull requests go to."
)
@click.option(
    "--share", multiple=True, metavar="SECRET", help="Shared with production; '' for none."
)
@click.option(
    "--protect", type=click.Choice(("nobody", "password", "members")), help="Who may look."
)
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def settings(project: str, plain: bool, **given: Any) -> None:
    """Show or change the settings of all previews of PROJECT."""
    path = project_path(project, "previews", "settings")
    body = {name: value for name, value in given.items() if value is not None and value != ()}
    for name in ("bases", "share"):
        if name in body:
            body[name] = [each for each in body[name] if each]
    client = connect()
    found = client.json("PATCH", path, json=body) if body else client.json("GET", path)
    if plain:
        return as_json(found["settings"])
    table(("setting", "value"), [(name, shown(value)) for name, value in found["settings"].items()])


def shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "-"
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )
