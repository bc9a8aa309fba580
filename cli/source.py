"""`portwright source`: how a repository is reached. A credential never passes the arguments."""

from __future__ import annotations

import sys
from typing import Any

import click

from cli.client import connect, project_path
from cli.errors import Failure
from cli.hooks import FORGES
from cli.show import as_json, line, problem, table, when

FIELDS = ("username", "password", "private_key", "token", "app_id", "app_key", "installation")
PATIENCE = 120.0


@click.group()
def source() -> None:
    """How the repository of a project is reached: forge, credentials, keys, a test."""


@source.command("show")
@click.argument("project")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def show_source(project: str, plain: bool) -> None:
    """Show the settings, and which credentials are set."""
    found = connect().json("GET", project_path(project, "source"))["source"]
    if plain:
        return as_json(found)
    keys = ", ".join(f"{each['fingerprint']} ({each['type']})" for each in found["host_keys"])
    polled = f", last {when(found['polled_at'])} UTC" if found["polled_at"] else ""
    every = f"every {found['poll_minutes']} minutes{polled}" if found["poll_minutes"] else "never"
    rows: list[tuple[str, object]] = [
        ("repository", found["repository"]),
        ("forge", found["forge"]),
        ("API", found["api_url"] or found["api_url_default"] or "-"),
        ("name there", found["full_name"] or found["full_name_default"] or "-"),
        ("submodules", "yes" if found["submodules"] else "no"),
        ("Git LFS", "yes" if found["lfs"] else "no"),
        ("looked at", every),
        ("credentials set", ", ".join(found["credentials"]) or "-"),
        ("deploy key", found["public_key"] or "-"),
        ("host keys pinned", keys or "-"),
    ]
    table(("setting", "value"), rows)
    if found["problem"]:
        problem(found["problem"]["message"], found["problem"]["remedy"])


@source.command("set")
@click.argument("project")
@click.option("--forge", type=click.Choice(FORGES))
@click.option("--api", "api_url", metavar="URL", help="Of the forge's API; '' for its usual one.")
@click.option(
    "--name", "full_name", metavar="OWNER/NAME", help="On the forge; '' as in the address."
)
@click.option("--submodules/--no-submodules", default=None)
@click.option("--lfs/--no-lfs", default=None)
@click.option("--poll", "poll_minutes", type=click.IntRange(0, 10080), help="Minutes; 0: never.")
@click.option(
    "--credential",
    type=click.Choice(FIELDS),
    help="Ask for this one, or read it from standard input.",
)
@click.option("--forget", multiple=True, type=click.Choice(FIELDS), help="Forget this credential.")
def set_source(
    project: str, credential: str | None, forget: tuple[str, ...], **settings: Any
) -> None:
    """Change settings of the source, or keep one credential of it."""
    client = connect()
    changed = {name: value for name, value in settings.items() if value is not None}
    given = dict.fromkeys(forget, "")
    if credential:
        given[credential] = typed(credential)
    if not changed and not given:
        raise click.UsageError("Give a setting, --credential or --forget.")
    if changed:
        answer = client.json("PATCH", project_path(project, "source"), json=changed)
        line("The settings are kept.")
        if answer["token_forgotten"]:
            line("The token was for another address and is forgotten: set it again.")
    if given:
        client.json("PUT", project_path(project, "source", "credentials"), json=given)
        line(f"Kept. Next: portwright source test {project}")


def typed(name: str) -> str:
    if sys.stdin.isatty() and "key" not in name:
        value = str(click.prompt(f"Value of {name}", hide_input=True))
    else:
        value = sys.stdin.read().removesuffix("\n")
    if not value:
        raise Failure("the value is empty", "type it, or send it on standard input", name)
    return value


@source.command()
@click.argument("project")
def key(project: str) -> None:
    """Make a deploy key and print its public part, for the forge to give read access."""
    made = connect().json("POST", project_path(project, "source", "key"), json={})
    print(made["public_key"])


@source.command("host-key")
@click.argument("project")
@click.option(
    "--confirm", multiple=True, metavar="SHA256:…", help="Pin this one, which you compared."
)
def host_key(project: str, confirm: tuple[str, ...]) -> None:
    """Show the keys of the repository's ssh server, or pin those that you compared."""
    client, path = connect(), project_path(project, "source", "host-key")
    body = {"confirm": list(confirm)} if confirm else {}
    answer = client.json("POST", path, json=body, timeout=PATIENCE)
    if confirm:
        return line("Pinned; another key is refused from now on.")
    shown = answer["shown"]
    table(("type", "fingerprint"), [(each["type"], each["fingerprint"]) for each in shown])
    line("Compare them with what the server's owner publishes, then pin one:")
    line(f"portwright source host-key {project} --confirm {shown[0]['fingerprint']}")


@source.command()
@click.argument("project")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def test(project: str, plain: bool) -> None:
    """Try git and the forge's API now; exit code 1 where one of them fails."""
    path = project_path(project, "source", "test")
    found = connect().json("POST", path, json={}, timeout=PATIENCE)
    if plain:
        as_json(found)
    else:
        told("git", found["git"])
        if found["api"]:
            told("the forge's API", found["api"])
        else:
            line(("the forge's API: ", "bold"), "not asked, for no token is kept")
    if not found["git"]["ok"] or (found["api"] and not found["api"]["ok"]):
        raise SystemExit(1)


def told(what: str, found: dict[str, Any]) -> None:
    if found["ok"]:
        return line((f"{what}: ", "bold"), (str(found["message"]), "green"))
    problem(found["message"], found["remedy"], what)


@source.command()
@click.argument("project")
def poll(project: str) -> None:
    """Look at the repository within seconds, rather than when its time has come."""
    connect().json("POST", project_path(project, "source", "poll"), json={})
    line("The worker looks at it within seconds.")
