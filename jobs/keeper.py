"""Keeps the certificates of one machine's Traefik: reads what it holds, tells it what to get, and
writes down what became of it (traefik/domains.json; no key is in there).

Knows no database: the worker does it for the portal's machine (jobs.tls), `jobs.node` on others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from jobs import reach
from jobs.acme import certificate_name, staging
from jobs.certificates import failures, held
from jobs.domains import State, decide, dynamic
from jobs.rehearsal import Rehearsal
from jobs.settings import Settings

# Traefik writes a certificate down just before it shows it.
SETTLING = 2.0


class Keeper:
    """Call `look` every few seconds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.home / "traefik"
        self.rehearsal = Rehearsal(settings)
        self.settled: set[str] = set()
        self.reached: dict[str, dict[str, Any]] = {}

    def look(
        self, hosts: Iterable[str], again: Mapping[str, datetime] | None = None
    ) -> dict[str, State]:
        """Bring Traefik up to date with these hosts; returns each certificate's state.

        again: when somebody last asked for another attempt at a host.
        """
        settings, at = self.settings, datetime.now(UTC)
        named = {host: certificate_name(host, settings) for host in hosts}
        logs = settings.home / "log"
        storage = self.folder / "acme.json"
        certificates = held(storage)
        if age(storage) > SETTLING:
            self.settled = set(certificates)
        states = decide(
            named.values(),
            certificates,
            held(self.rehearsal.storage) if staging(settings) else None,
            failures(logs / "traefik.json.log"),
            failures(self.rehearsal.log),
            at,
            {certificate_name(host, settings): when for host, when in (again or {}).items()},
        )
        told = self.folder / "dynamic/domains.yaml"
        put(told, with_answer(dynamic(states, named, self.settled, settings, at), settings))
        self.rehearsal.keep([name for name, each in states.items() if each.stage == "trying"])
        if age(told) > SETTLING:  # Traefik answers by the path that it was just told
            self.reached = reach.look_at_one(settings, sorted(named), self.reached, at)
        shown = {
            host: {**state_json(states[name]), "reach": self.reached.get(host)}
            for host, name in named.items()
        }
        write(self.folder / "domains.json", json.dumps(shown, indent=1, sort_keys=True))
        return states


def with_answer(told: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """With the path by which a name is known to lead here. Its key is on this machine only."""
    http = told.get("http") or {}
    return {
        "http": {**http, "routers": {**http.get("routers", {}), "here": reach.router(settings)}}
    }


def state_json(state: State) -> dict[str, Any]:
    found, failure = state.certificate, state.failure
    return {
        "name": state.name,
        "stage": state.stage,
        "issuer": found.issuer if found else None,
        "until": moment(found.until if found else None),
        "failure": {**asdict(failure), "at": moment(failure.at)} if failure else None,
        "retry_at": moment(state.retry_at),
    }


def age(path: Path) -> float:
    """Seconds since it was written; 0 where it is not there."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def put(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all: Traefik reads it at any moment."""
    write(path, yaml.safe_dump(dict(content), sort_keys=True) if content else "")


def write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.new")
    partial.write_text(text)
    partial.replace(path)
