"""The worker's part in HTTPS: reads what Traefik holds, tells it what to get, and keeps for the
portal what became of it (traefik/domains.json; no key is in there)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import reach
from jobs.access_log import rotate
from jobs.acme import certificate_name, staging
from jobs.certificates import failures, held
from jobs.domains import REMEMBERED, State, decide, dynamic
from jobs.models import Environment, Event, Project, now
from jobs.queries import release_numbered
from jobs.rehearsal import Rehearsal
from jobs.settings import Settings
from stacks.routes import is_local
from stacks.spec import Spec

AGAIN = "certificate.again"
# Traefik writes a certificate down just before it shows it.
SETTLING = 2.0
log = logging.getLogger(__name__)


class Tls:
    """Call every few seconds; does nothing where HTTPS is off."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.home / "traefik"
        self.rehearsal = Rehearsal(settings)
        self.settled: set[str] = set()
        self.reached: dict[str, dict[str, Any]] = {}

    def __call__(self, session: Session) -> None:
        """Never raises: what else is due must not wait for a broken log or a full disk."""
        if not self.settings.https_port:
            # What was told while HTTPS was on would still send visitors there.
            (self.folder / "dynamic/domains.yaml").unlink(missing_ok=True)
            return
        try:
            self.look(hosts_of(session), asked_again(session))
            rotate(self.settings)
        except Exception:
            session.rollback()
            log.exception("certificates could not be looked at; it is tried again")

    def look(
        self, hosts: Iterable[str], again: Mapping[str, datetime] | None = None
    ) -> dict[str, State]:
        """Bring Traefik up to date with these hosts; returns each certificate's state.

        again: when somebody last asked for another attempt at a host.
        """
        settings, at = self.settings, now()
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
        put(
            self.folder / "dynamic/domains.yaml", dynamic(states, named, self.settled, settings, at)
        )
        self.rehearsal.keep([name for name, each in states.items() if each.stage == "trying"])
        self.reached = reach.look_at_one(settings, sorted(named), self.reached, at)
        told = {
            host: {**state_json(states[name]), "reach": self.reached.get(host)}
            for host, name in named.items()
        }
        write(self.folder / "domains.json", json.dumps(told, indent=1, sort_keys=True))
        return states


def hosts_of(session: Session) -> set[str]:
    """Hosts of all releases that serve on this machine, without this machine's own names."""
    found: set[str] = set()
    here = select(Environment).join(Project).where(Project.host_id.is_(None))
    for environment in session.scalars(here).all():
        release = release_numbered(session, environment, environment.release)
        if release is not None:
            for service in Spec.model_validate(release.spec).services.values():
                if service.tls:
                    found |= {route.host for route in service.routes if not is_local(route.host)}
    return found


def asked_again(session: Session) -> dict[str, datetime]:
    """Host → when somebody last asked for another attempt, within a day."""
    query = select(Event).where(Event.action == AGAIN, Event.at > now() - REMEMBERED)
    return {
        str(each.detail.get("host")): each.at for each in session.scalars(query.order_by(Event.at))
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
