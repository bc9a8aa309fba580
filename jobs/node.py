"""`python -m jobs.node`: the certificates of a machine that another one's portal deploys to.

It asks the engine what serves there, and tells the portal, whose worker comes through SSH to a
socket: a line with what somebody wants tried again goes in, traefik/domains.json comes out. Needs
no packages but PyYAML and cryptography; knows neither a database nor Redis.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import select
import socket
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jobs.access_log import rotate
from jobs.keeper import Keeper
from jobs.settings import HOST, Settings
from stacks.errors import explained

ENGINE = "/var/run/docker.sock"
# Its folder is the unit's, made by systemd for root only.
SOCKET = "/run/portwright-certificates/socket"
EVERY = 5.0
PATIENCE = 5.0
LONGEST = 64 * 1024
# Each service's router for hosts that the world may reach: stacks.routes.
ROUTER = re.compile(r"traefik\.http\.routers\.[^.]+_tls\.rule")
RULE = re.compile(r"Host\(`([^`]*)`\)")
log = logging.getLogger(__name__)


class Node:
    """again: host → when somebody last asked for another attempt, as the portal told it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keeper = Keeper(settings)
        self.again: dict[str, datetime] = {}
        self.trouble = ""

    def turn(self) -> None:
        """Never raises: an engine that restarts is asked again."""
        try:
            labels = [each["Labels"] or {} for each in containers(self.settings.instance)]
            self.keeper.look(sorted(hosts_of(labels)), self.again)
            rotate(self.settings)
            self.trouble = ""
        except Exception as error:
            if self.trouble != (trouble := repr(error)):  # an engine that is away is told of once
                log.exception("certificates could not be looked at; it is tried again")
            self.trouble = trouble

    def answer(self, caller: socket.socket) -> None:
        """What the portal wants to know. Never raises for what a caller sends, or does not."""
        with caller, contextlib.suppress(OSError, ValueError):
            caller.settimeout(PATIENCE)
            with caller.makefile("rb") as asked:
                self.again = read_again(asked.readline(LONGEST))
            with contextlib.suppress(FileNotFoundError):
                caller.sendall((self.settings.home / "traefik/domains.json").read_bytes())


def read_again(line: bytes) -> dict[str, datetime]:
    """`{"again": {HOST: MOMENT}}`, moments in ISO 8601 with a zone. Raises ValueError."""
    try:
        told = {str(k): datetime.fromisoformat(v) for k, v in json.loads(line)["again"].items()}
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not all(each.tzinfo for each in told.values()):
        raise ValueError("a moment without its zone")
    return told


def hosts_of(labels: Iterable[Mapping[str, str]]) -> set[str]:
    """The hosts that containers' labels give to routers with TLS; what is no name is left out."""
    return {
        host
        for each in labels
        for key, rule in each.items()
        if ROUTER.fullmatch(key)
        for host in RULE.findall(rule)
        if re.fullmatch(HOST, host)
    }


def containers(instance: str, engine: str = ENGINE) -> list[dict[str, Any]]:
    """This instance's containers, as the engine lists them. One that is ill or starts anew keeps its
    names: those that ended count too. Raises OSError or ValueError."""
    wanted = quote(json.dumps({"label": [f"portwright.instance={instance}"]}))
    connection = http.client.HTTPConnection("docker", timeout=PATIENCE)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(engine)
        connection.request("GET", f"/containers/json?all=1&filters={wanted}")
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"the engine answered {answer.status}")
        found: list[dict[str, Any]] = json.loads(answer.read())
        return found
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def listen(path: str) -> socket.socket:
    """Only root may connect."""
    Path(path).unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    Path(path).chmod(0o600)
    door.listen()
    return door


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    node, due = Node(Settings.from_environ()), 0.0
    with listen(SOCKET) as door:
        while True:
            if time.monotonic() >= due:
                node.turn()
                due = time.monotonic() + EVERY
            if select.select([door], [], [], max(0.0, due - time.monotonic()))[0]:
                with contextlib.suppress(OSError):  # who knocked is gone
                    node.answer(door.accept()[0])


if __name__ == "__main__":
    with explained():
        main()
