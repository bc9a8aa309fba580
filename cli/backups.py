"""`portwright backups` over the API; `portwright restore` on a new host itself."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from cli.client import Client, connect
from cli.errors import Failure
from cli.show import as_json, line, table, when

POLL = 1.0
CHECKOUT = Path(__file__).resolve().parent.parent


@click.group()
def backups() -> None:
    """Backups of the platform. For the host's owner only."""


@backups.command("list")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_backups(plain: bool) -> None:
    """List those that are kept, and what failed."""
    found = status(connect())
    if plain:
        return as_json(found)
    for failure in found["failures"]:
        line((f"The last {failure['what']} failed: ", "red"), f"{failure['message']}")
        line(f"To do: {failure['remedy']}")
    tell_missing(found["lacking"])
    rows = [
        (
            each["id"],
            when(each["at"]),
            f"{each['bytes'] / 1e6:.1f} MB",
            "no" if each["volumes"] is None else str(len(each["volumes"])),
            ", ".join(sorted({lack["host"] for lack in each["missing"]})) or "-",
            when(each["verified"]) or "-",
        )
        for each in found["made"]
    ]
    table(("backup", "when (UTC)", "size", "volumes", "lacks those of", "verified"), rows)
    line(f"Next by itself: {when(found['due']) or 'never'}")


@backups.command()
@click.option("--volumes", is_flag=True, help="With the volumes of all projects.")
def create(volumes: bool) -> None:
    """Back up now, and wait until it is done. Ends with 1 where it does not hold everything."""
    made = wait_for("backup with volumes" if volumes else "backup", "backup")["made"][0]
    line(f"Backup {made['id']} is made: {made['bytes'] / 1e6:.1f} MB in {made['seconds']} s.")
    if made["volumes"]:
        line(f"Volumes: {', '.join(made['volumes'])}; paused for {made['paused_s']} s at most.")
    tell_missing(made["missing"])
    sys.exit(1 if made["missing"] else 0)


@backups.command()
def verify() -> None:
    """Restore the newest one into a scratch folder and open everything in it."""
    made = wait_for("verification", "verify")["made"][0]
    line(f"Backup {made['id']} is whole: it was restored and opened.")


def tell_missing(missing: list[dict[str, str]]) -> None:
    for each in missing:
        line(("Not in it: ", "red"), each["message"])
        line(f"To do: {each['remedy']}")


def status(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.json("GET", "/api/backups")["backups"]
    return found


def wait_for(what: str, kind: str) -> dict[str, Any]:
    """Ask for it and wait; raises Failure where it failed."""
    client = connect()
    before = status(client)
    client.json("POST", "/api/backups", json={"what": what})
    while True:
        time.sleep(POLL)
        found = status(client)
        if found["waiting"] or found["at_work"]:
            continue
        for failure in found["failures"]:
            if failure["what"] == kind and failure not in before["failures"]:
                raise Failure(failure["message"], failure["remedy"], failure["path"])
        if news(found, kind) != news(before, kind):
            return found


def news(found: dict[str, Any], kind: str) -> list[Any]:
    field = "at" if kind == "backup" else "verified"
    return [each[field] for each in found["made"]]


@click.command()
@click.argument("repository")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False), required=True)
@click.option("--snapshot", help="Which backup; the newest unless it is given.")
def restore(repository: str, password_file: str, snapshot: str | None) -> None:
    """Make this new machine the host whose backups are in REPOSITORY. As root, on the machine."""
    argv = [sys.executable, "-m", "provision.backup_restore", repository]
    argv += ["--password-file", str(Path(password_file).absolute())]
    argv += ["--snapshot", snapshot] if snapshot else []
    sys.exit(subprocess.run(argv, cwd=CHECKOUT).returncode)
