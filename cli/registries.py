"""`portwright registries`: credentials of registries. Passwords are never arguments."""

from __future__ import annotations

import shlex
from typing import Any

import click

from cli.client import connect, project_path
from cli.errors import Failure
from cli.show import as_json, line, table, when
from cli.typed import decoded, read_secret

KINDS = {"password": "password", "command": "command", "none": "-"}
# Looking up the registry's name may take a while.
PATIENCE = 60.0


@click.group()
def registries() -> None:
    """Manage a project's credentials for private registries."""


@registries.command("list")
@click.argument("project")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_registries(project: str, plain: bool) -> None:
    """List registries and user names. Passwords are never shown."""
    found = connect().json("GET", project_path(project, "registries"))["registries"]
    if plain:
        return as_json(found)
    if not found:
        return line("No credentials are stored. Public images need none.")
    heads = ("registry", "user", "login", "CA", "set by", "at (UTC)")
    table(heads, [row_of(each) for each in found])


def row_of(found: dict[str, Any]) -> tuple[str, ...]:
    expiry = ", ".join(f"expires {when(each['not_after'])[:10]}" for each in found["ca"])
    login = KINDS.get(found["kind"], found["kind"])
    at = when(found["created_at"])
    return found["host"], found["username"] or "-", login, expiry or "-", found["created_by"], at


@registries.command("set")
@click.argument("project")
@click.argument("host")
@click.option(
    "--username",
    metavar="NAME",
    help="The user; the password is read from a prompt or from standard input.",
)
@click.option(
    "--command",
    metavar="COMMAND",
    help="Command that prints the password. It runs on the platform's host, without a shell.",
)
@click.option("--ca", type=click.File("rb"), metavar="FILE", help="PEM file of the registry's CA.")
@click.option("--no-ca", is_flag=True, help="Remove the stored CA.")
def set_registry(
    project: str, host: str, username: str | None, command: str | None, ca: Any, no_ca: bool
) -> None:
    """Store how PROJECT logs in to the registry HOST, such as ghcr.io or docker.io.

    A final newline of a password on standard input is removed. Only the host's owner can use
    --command and --ca.
    """
    if username is None and (command is not None or not (ca or no_ca)):
        raise click.UsageError("Give --username NAME.")
    if ca and no_ca:
        raise click.UsageError("Give --ca or --no-ca, not both.")
    client = connect()
    body: dict[str, object] = {}
    if ca or no_ca:
        body["ca"] = decoded(ca.read(), "ca") if ca else ""
    if username is not None:
        body["username"] = username
    if command is not None:
        body["command"] = argv_of(command)
    elif username is not None:
        body["password"] = read_secret("password").removesuffix("\n").removesuffix("\r")
    path = project_path(project, "registries", host)
    made = client.json("PUT", path, json=body, timeout=PATIENCE)["registry"]
    user = f" for user {made['username']}" if made["username"] else ""
    line(f"The credentials of {made['host']}{user} are stored. The next pull uses them.")


def argv_of(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        raise Failure(
            "the command has an unbalanced quote", "Quote it as in a shell.", "command"
        ) from None


@registries.command("remove")
@click.argument("project")
@click.argument("host")
def remove_registry(project: str, host: str) -> None:
    """Delete the credentials and the CA of the registry HOST."""
    path = project_path(project, "registries", host)
    removed = connect().json("DELETE", path)["removed"]
    line(f"The credentials of {removed} are removed.")
