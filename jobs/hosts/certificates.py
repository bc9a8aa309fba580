"""What another host says of its certificates, asked through its tunnel (the other end: jobs.node).

A host may be in a stranger's hands: of what it says only what has the right shape is kept, and only
of names that are deployed there.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from jobs.hosts import reach
from jobs.models import Host
from jobs.settings import HOST, Settings
from jobs.terminal import one_line
from jobs.tls import asked_again, hosts_of
from stacks.traffic import Traefik

MOST = 1024 * 1024
# It answers between two looks of its own, which may wait for a name's other addresses.
PATIENCE = 20.0
STAGES = ("issued", "asked", "trying", "failing")
LONGEST = 500
log = logging.getLogger(__name__)


def look(session: Session, settings: Settings, host: Host) -> None:
    """Keep in Host.facts what it says now: `https`: {port: 0 where HTTPS is off, domains: host → as
    jobs.keeper writes it, silent: whether only old knowledge is there}. Commits; never raises."""
    name = host.name
    try:
        before = (host.facts or {}).get("https") or {}
        told: dict[str, Any] = {
            "port": port_of(reach.traefik_of(settings, host)),
            "domains": {},
            "silent": False,
        }
        hosts = hosts_of(session, host.id) if told["port"] else set()
        if hosts:
            again = {each: at for each, at in asked_again(session).items() if each in hosts}
            try:
                said = ask(reach.way_of(settings, host).certificates, again)
                told["domains"] = read(said, hosts)
            except (OSError, ValueError):
                told |= {"domains": before.get("domains") or {}, "silent": True}
        if told != before:
            session.refresh(host, ["facts"])  # somebody may have tested the connection meanwhile
            host.facts = {**(host.facts or {}), "https": told}
            session.commit()
    except (OSError, ValueError):
        session.rollback()  # no Traefik answers, which the host's own page says
    except Exception:
        session.rollback()
        log.exception("host %s: its certificates could not be looked at; it is tried again", name)


def port_of(traefik: Traefik) -> int:
    """Where it listens for TLS; 0 where it does not. Raises OSError or ValueError."""
    points = traefik.get("entrypoints")
    for point in points if isinstance(points, list) else ():
        if isinstance(point, dict) and point.get("name") == "websecure":
            port = str(point.get("address")).rpartition(":")[2]
            return int(port) if re.fullmatch("[1-9][0-9]{0,4}", port) and int(port) < 65536 else 0
    return 0


def ask(path: Path, again: Mapping[str, datetime]) -> bytes:
    """Its answer, whole. Raises OSError where there is none in time, ValueError for a flood."""
    wanted = json.dumps({"again": {name: at.isoformat() for name, at in again.items()}})
    said, deadline = b"", time.monotonic() + PATIENCE
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(PATIENCE)
        door.connect(str(path))
        door.sendall(f"{wanted}\n".encode())
        while part := door.recv(65536):
            said += part
            if len(said) > MOST:
                raise ValueError("it says too much")
            if time.monotonic() > deadline:
                raise TimeoutError("it says too little at a time")
    return said


def read(said: bytes, wanted: Collection[str]) -> dict[str, dict[str, Any]]:
    """What it says of those hosts. Raises ValueError for what is no such answer at all."""
    try:
        told = json.loads(said)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(told, dict):
        raise ValueError("it is no object")
    found = {host: entry(told.get(host)) for host in sorted(wanted)}
    return {host: each for host, each in found.items() if each is not None}


def entry(told: Any) -> dict[str, Any] | None:
    """The same with known fields of the right shape; None where it says nothing that can be used."""
    if not isinstance(told, dict) or told.get("stage") not in STAGES:
        return None
    name = told.get("name")
    if not isinstance(name, str) or not re.fullmatch(HOST, name.removeprefix("*.")):
        return None
    until = moment(told.get("until"))
    if told["stage"] == "issued" and until is None:
        return None
    return {
        "name": name,
        "stage": told["stage"],
        "issuer": words(told.get("issuer")),
        "until": until,
        "failure": failure(told.get("failure")),
        "retry_at": moment(told.get("retry_at")),
        "reach": reached(told.get("reach")),
    }


def failure(told: Any) -> dict[str, Any] | None:
    if not isinstance(told, dict):
        return None
    found = {key: words(told.get(key)) for key in ("name", "problem", "cause", "remedy")}
    at = moment(told.get("at"))
    return {**found, "at": at} if at and all(found.values()) else None


def reached(told: Any) -> dict[str, Any] | None:
    said = words(told.get("words")) if isinstance(told, dict) else None
    return {"here": told.get("here") is True, "words": said} if said else None


def words(told: Any) -> str | None:
    return one_line(told[:LONGEST]) or None if isinstance(told, str) else None


def moment(told: Any) -> str | None:
    """ISO 8601 in UTC, of this century."""
    try:
        at = datetime.fromisoformat(told).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return at.isoformat(timespec="seconds") if 2000 <= at.year < 2100 else None
