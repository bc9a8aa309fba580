"""`portwright login` and `logout`."""

from __future__ import annotations

import contextlib
import socket

import click
import httpx

from cli import config
from cli.client import Client, connect
from cli.errors import Failure
from cli.show import line

LOCAL = ("localhost", "127.0.0.1", "::1")


@click.command()
@click.argument("url")
@click.option("--token", envvar="PORTWRIGHT_TOKEN", help="A token from the page Account.")
def login(url: str, token: str | None) -> None:
    """Remember the server at URL; asks for e-mail and password unless there is a token."""
    url = url.rstrip("/")
    warn_of_plain_http(url)
    if token:
        Client(url, token).json("GET", "/api/projects")
    else:
        client = Client(url)
        email = click.prompt("E-mail")
        password = click.prompt("Password", hide_input=True)
        label = f"portwright on {socket.gethostname()}"[:100]
        body = {"email": email, "password": password, "label": label}
        token = str(client.json("POST", "/api/login", json=body)["token"])
    config.save(config.Config(url, token))
    line(f"You are logged in to {url}.")


@click.command()
def logout() -> None:
    """Give the token back and forget it."""
    with contextlib.suppress(Failure):
        connect().send("POST", "/api/logout")
    config.forget()
    line("You are logged out.")


def warn_of_plain_http(url: str) -> None:
    with contextlib.suppress(httpx.InvalidURL):
        parsed = httpx.URL(url)
        if parsed.scheme == "http" and parsed.host not in LOCAL:
            line(
                ("Careful: ", "bold yellow"),
                f"{url} is not encrypted; others on the way can read your password.",
                error=True,
            )
