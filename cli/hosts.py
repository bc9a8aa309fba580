"""`portwright hosts`: machines that projects are placed on. For the owner of the portal's host."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from cli.client import Client, connect
from cli.errors import Failure
from cli.show import as_json, line, problem, table, when

STYLES = {"active": "green", "away": "red", "drained": "yellow"}


@click.group()
def hosts() -> None:
    """Machines that projects are placed on: add, confirm, test, label, drain, remove."""


def path(name: str, *rest: str) -> str:
    return "/".join(["/api/hosts", *(quote(part, safe="") for part in (name, *rest))])


def ask(method: str, name: str, *rest: str, **more: Any) -> dict[str, Any]:
    """What the API says of the host afterwards."""
    found: dict[str, Any] = connect().json(method, path(name, *rest), **more)["host"]
    return found


@hosts.command("list")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def list_hosts(plain: bool) -> None:
    """List them; `local` is the portal's own machine."""
    found = connect().json("GET", "/api/hosts")["hosts"]
    if plain:
        return as_json(found)
    rows = [
        (
            each["name"],
            (each["status"], STYLES.get(each["status"], "")),
            each["address"] or "this machine",
            str(len(each["projects"])),
            " ".join(f"{key}={value}" for key, value in each["labels"].items()) or "-",
        )
        for each in found
    ]
    table(("host", "state", "address", "projects", "labels"), rows)
    for each in found:
        if each["problem"]:
            problem(each["problem"]["message"], each["problem"]["remedy"])


@hosts.command()
@click.argument("name")
@click.argument("address", metavar="ssh://USER@HOST[:PORT]")
@click.option("--http-port", default=80, show_default=True, help="Of its Traefik, for visitors.")
@click.option(
    "--traefik-port", default=8701, show_default=True, help="Of its Traefik's API, on its loopback."
)
@click.option("--fingerprint", metavar="SHA256:...", help="Of its host key; pins it unasked.")
def add(
    name: str, address: str, http_port: int, traefik_port: int, fingerprint: str | None
) -> None:
    """Add a machine as NAME: show the key to install there, and pin the one that it shows."""
    body = {
        "name": name, "address": address, "http_port": http_port, "traefik_port": traefik_port,
    }  # fmt: skip
    made = connect().json("POST", "/api/hosts", json=body)["host"]
    line(f"{name} is added. Put this line into authorized_keys there:")
    line(made["authorized_key"])
    pin(name, fingerprint)


@hosts.command()
@click.argument("name")
@click.option("--fingerprint", metavar="SHA256:...", help="Of its host key; pins it unasked.")
def confirm(name: str, fingerprint: str | None) -> None:
    """Pin the host key that NAME shows now, in place of the one before."""
    pin(name, fingerprint)


def pin(name: str, fingerprint: str | None) -> None:
    """Show what the host shows, ask, and pin. Raises Failure."""
    client = connect()
    chosen = [fingerprint] if fingerprint else compared(client, name)
    client.json("POST", path(name, "confirm"), json={"fingerprints": chosen})
    line(f"Pinned: {', '.join(chosen)}. Next: portwright hosts test {name}")


def compared(client: Client, name: str) -> list[str]:
    shown = client.json("GET", path(name, "keys"))["keys"]
    line(f"{name} shows these host keys now:")
    for each in shown:
        line(f"  {each['fingerprint']}  {each['type']}")
    line("Its own console says which they are: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    if not click.confirm(f"Pin the first one ({shown[0]['type']})?"):
        raise Failure("nothing was pinned", f"portwright hosts confirm {name}, once compared")
    return [str(shown[0]["fingerprint"])]


@hosts.command()
@click.argument("name")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def show(name: str, plain: bool) -> None:
    """Show NAME: its state, what is there, and the key to install."""
    tell(ask("GET", name), plain)


@hosts.command()
@click.argument("name")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def test(name: str, plain: bool) -> None:
    """Look whether NAME can be used, and say what is wrong; exit with 1 where it can't."""
    found = ask("POST", name, "test")
    tell(found, plain)
    if found["problem"]:
        raise SystemExit(1)


def tell(found: dict[str, Any], plain: bool) -> None:
    if plain:
        return as_json(found)
    facts = found["facts"]
    rows: list[tuple[str, object]] = [
        ("state", found["status"]),
        ("address", found["address"] or "this machine"),
        ("labels", " ".join(f"{key}={value}" for key, value in found["labels"].items()) or "-"),
        ("projects", ", ".join(found["projects"]) or "-"),
        ("serving", ", ".join(found["serving"]) or "-"),
        ("looked at", when(found["checked_at"]) or "-"),
        ("Docker", facts.get("docker") or "-"),
        ("Traefik", facts.get("traefik") or "-"),
        ("HTTPS", f"port {facts['https_port']}" if facts.get("https_port") else "-"),
        ("disk free", f"{facts['disk_free_mb']} MB" if facts.get("disk_free_mb") else "-"),
        ("pinned", ", ".join(each["fingerprint"] for each in found["pinned"]) or "-"),
        ("for authorized_keys", found["authorized_key"] or "-"),
    ]
    table(("host", found["name"]), rows)
    for each in facts.get("warnings") or ():
        line(("Mind: ", "yellow"), each)
    if found["problem"]:
        problem(found["problem"]["message"], found["problem"]["remedy"])


@hosts.command()
@click.argument("name")
@click.argument("labels", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
def label(name: str, labels: tuple[str, ...]) -> None:
    """Set labels of NAME; KEY- takes one away."""
    wanted = {}
    for word in labels:
        key, equals, value = word.partition("=")
        wanted[key if equals else word.removesuffix("-")] = value if equals else None
        if not equals and not word.endswith("-"):
            raise Failure(f"{word!r} is no label", "write KEY=VALUE, or KEY- to take it away")
    found = ask("PATCH", name, "labels", json={"labels": wanted})
    told = " ".join(f"{key}={value}" for key, value in found["labels"].items())
    line(f"{name}: {told or 'no labels'}")


@hosts.command()
@click.argument("name")
def drain(name: str) -> None:
    """Place nothing new on NAME; say what is there, and how to move it."""
    found = ask("POST", name, "drain")
    line(f"{name} is drained: no new projects, no first deploys.")
    if not found["projects"]:
        return line(f"Nothing is placed there: portwright hosts remove {name} forgets it.")
    line(f"Placed there: {', '.join(found['projects'])}. {found['runs']} runs wait or are at work.")
    line("To move one: back its data up, then")
    line("  portwright destroy NAME; portwright projects place NAME --host HOST;")
    line("  portwright deploy NAME; and bring its data back.")


@hosts.command()
@click.argument("name")
def undrain(name: str) -> None:
    """Let NAME take new projects again."""
    ask("POST", name, "undrain")
    line(f"{name} takes new projects again.")


@hosts.command()
@click.argument("name")
@click.argument("address", metavar="ssh://USER@HOST[:PORT]")
@click.option("--fingerprint", metavar="SHA256:...", help="Of its host key; pins it unasked.")
def address(name: str, address: str, fingerprint: str | None) -> None:
    """Give NAME another address; the key that it shows there is confirmed anew."""
    ask("PUT", name, "address", json={"address": address})
    pin(name, fingerprint)


@hosts.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
def remove(name: str, yes: bool) -> None:
    """Forget NAME and its key; refused while projects are placed there."""
    if not yes:
        click.confirm(f"Forget the host {name}?", abort=True)
    connect().send("DELETE", path(name))
    line(f"{name} is removed. Take our line out of its authorized_keys.")
