"""Whether a host's name leads to this Traefik: asked as a visitor would, by a path only it knows.

A record that points to this machine's address is not enough to know (a firewall, a NAT, a proxy).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import io
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from jobs import domains
from jobs.settings import Settings

AGAIN = timedelta(minutes=10)
AGAIN_WHERE_NOT = timedelta(minutes=1)
# In all, for an address: who owns the name owns what answers there, and it may trickle.
PATIENCE = 3.0
MOST = 4  # of a name's addresses
LONGEST = 16 * 1024
ANSWER = b"OK"


def path(settings: Settings) -> str:
    """Nobody else can answer it: a key of this machine makes it, and does not show in it."""
    key = settings.key("secret-key").encode()
    return f"/.well-known/portwright/{hmac.new(key, b'reach', hashlib.sha256).hexdigest()[:32]}"


def router(settings: Settings) -> dict[str, Any]:
    """Traefik's, which answers to that path."""
    return {
        "rule": f"Path(`{path(settings)}`)",
        "entryPoints": ["web"],
        "priority": domains.ANSWER,
        "service": "ping@internal",
    }


def look_at_one(
    settings: Settings, hosts: Sequence[str], known: Mapping[str, dict[str, Any]], at: datetime
) -> dict[str, dict[str, Any]]:
    """What is known of these hosts, with the one renewed that was longest not looked at."""
    found = {host: known[host] for host in hosts if host in known}
    due = [
        host
        for host in hosts
        if host not in found or datetime.fromisoformat(found[host]["next"]) <= at
    ]
    if due:
        host = min(due, key=lambda each: found[each]["next"] if each in found else "")
        result = look(host, settings.http_port, path(settings))
        pause = AGAIN if result["here"] else AGAIN_WHERE_NOT
        found[host] = {**result, "next": (at + pause).isoformat(timespec="seconds")}
    return found


def look(host: str, port: int, path: str) -> dict[str, Any]:
    """{"addresses": [text], "here": bool, "words": what a person reads}."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return told([], False, "the name has no address: add an A record with this host's")
    addresses = sorted({str(info[4][0]) for info in infos})[:MOST]
    strangers = [each for each in addresses if not answers(each, host, port, path)]
    if not strangers:
        return told(addresses, True, f"it points here ({', '.join(addresses)})")
    wrong = ", ".join(strangers)
    return told(
        addresses, False, f"it points to {wrong}, where this host does not answer on port {port}"
    )


def answers(address: str, host: str, port: int, path: str) -> bool:
    try:
        said = io.BytesIO(ask(address, host, port, path))
        answer = http.client.HTTPResponse(SimpleNamespace(makefile=lambda _: said))  # type: ignore[arg-type]
        answer.begin()
        return answer.status == 200 and answer.read(len(ANSWER) + 1) == ANSWER
    except (OSError, http.client.HTTPException):
        return False


def ask(address: str, host: str, port: int, path: str) -> bytes:
    """All that it answers. Raises OSError."""
    wanted = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\nConnection: close"
    )
    said, deadline = b"", time.monotonic() + PATIENCE
    with socket.create_connection((address, port), PATIENCE) as door:
        door.sendall(f"{wanted}\r\n\r\n".encode())
        while part := door.recv(LONGEST):
            said += part
            if len(said) > LONGEST or time.monotonic() > deadline:
                raise TimeoutError("it says too much, or too little at a time")
    return said


def told(addresses: list[str], here: bool, words: str) -> dict[str, Any]:
    return {"addresses": addresses, "here": here, "words": words}
