"""`portwright bootstrap` and `portwright host`: a server over SSH, by pyinfra in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

CHECKOUT = Path(__file__).resolve().parent.parent
Command = Callable[..., Any]


def reach(command: Command) -> Command:
    """The options that say how to log in."""
    file = click.Path(exists=True, dir_okay=False, resolve_path=True)
    for option in (
        click.option(
            "--role",
            type=click.Choice(["host", "node"]),
            help="node: Docker and Traefik only, for the portal of another host to deploy to. "
            "Else as inventory/ says: host.",
        ),
        click.option("--inventory", type=file, help="Instead of inventory/hosts.py."),
        click.option(
            "--known-hosts",
            type=click.Path(resolve_path=True),
            help="Instead of ~/.ssh/known_hosts.",
        ),
        click.option("--fingerprint", metavar="SHA256:...", help="Of its key; refuse any other."),
        click.option("--key", type=file, help="Private key; else the agent's and your own."),
        click.argument("host", metavar="root@HOST[:PORT]"),
    ):
        command = option(command)
    return command


def start(action: str, host: str, *flags: str, **files: str | None) -> None:
    """Hand over to provision; its exit code is ours."""
    argv = [sys.executable, "-m", "provision.bootstrap", action, host, *flags]
    for name, value in files.items():
        argv += [f"--{name.replace('_', '-')}", value] if value else []
    raise SystemExit(subprocess.run(argv, cwd=CHECKOUT).returncode)


def flags(**given: bool) -> list[str]:
    return [f"--{name}" for name, on in given.items() if on]


@click.command()
@reach
@click.option("--dry", is_flag=True, help="Show what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Don't show the plan, don't ask.")
def bootstrap(host: str, dry: bool, yes: bool, **files: str | None) -> None:
    """Make a bare Debian or Ubuntu server a Portwright host; again at any time."""
    start("plan" if dry else "apply", host, *flags(yes=yes), **files)


@click.group("host")
def host() -> None:
    """A server that bootstrap made: plan, apply, upgrade, drift, restore, uninstall."""


@host.command()
@reach
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def plan(host: str, plain: bool, **files: str | None) -> None:
    """Show what apply would change on HOST; nothing is changed."""
    start("plan", host, *flags(json=plain), **files)


@host.command()
@reach
@click.option("--yes", is_flag=True, help="Don't show the plan, don't ask.")
def apply(host: str, yes: bool, **files: str | None) -> None:
    """Make HOST what inventory/ and this version say."""
    start("apply", host, *flags(yes=yes), **files)


@host.command()
@reach
@click.option("--yes", is_flag=True, help="Don't show the plan, don't ask.")
def upgrade(host: str, yes: bool, **files: str | None) -> None:
    """Bring HOST to this version: what apply does; one that does not get well goes back by itself."""
    start("apply", host, *flags(yes=yes), **files)


@host.command()
@reach
@click.option("--snapshot", help="Which backup; the newest unless it is given.")
@click.option("--yes", is_flag=True, help="Don't show the plan, don't ask.")
def restore(host: str, yes: bool, **files: str | None) -> None:
    """Make the bare server HOST the host whose backups its inventory names (BACKUP)."""
    start("restore", host, *flags(yes=yes), **files)


@host.command()
@reach
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def drift(host: str, plain: bool, **files: str | None) -> None:
    """Show what HOST has that its code does not say, and where it differs from it."""
    start("drift", host, *flags(json=plain), **files)


@host.command()
@reach
@click.option("--data", is_flag=True, help="Databases, keys and volumes too.")
@click.option("--yes", is_flag=True, help="Don't show the plan, don't ask.")
def uninstall(host: str, data: bool, yes: bool, **files: str | None) -> None:
    """Take Portwright off HOST; packages stay, and data unless named."""
    start("uninstall", host, *flags(data=data, yes=yes), **files)
