"""A host as pages and the API show it. No private key is in it."""

from __future__ import annotations

from typing import Any

from jobs.hosts import registry, trust
from jobs.models import Host
from jobs.source import HostKey
from portal.database import db


def status_of(host: Host) -> str:
    """In a word."""
    if host.address is not None and host.known_hosts is None:
        return "unconfirmed"
    if host.problem:
        return "away"
    return "drained" if host.drained_at else "active"


def host_json(host: Host) -> dict[str, Any]:
    there = registry.placed(db.session, host)
    return {
        "name": host.name,
        "address": host.address,
        "status": status_of(host),
        "labels": dict(host.labels or {}),
        "projects": [project.name for project in there],
        "serving": sorted(
            f"{project.name} {each.name}"
            for project in there
            for each in project.environments
            if each.release is not None
        ),
        "runs": registry.at_work(db.session, host),
        "drained_at": host.drained_at.isoformat() if host.drained_at else None,
        "checked_at": host.checked_at.isoformat() if host.checked_at else None,
        "problem": host.problem,
        "facts": facts_of(host),
        "http_port": host.http_port,
        "traefik_port": host.traefik_port,
        "authorized_key": trust.authorized(host) if host.public_key else None,
        "pinned": [key_json(key) for key in trust.pinned(host)],
    }


def facts_of(host: Host) -> dict[str, Any]:
    """Without what is known of each name's certificate, which is the projects'."""
    facts = dict(host.facts or {})
    https = facts.pop("https", None)
    return {**facts, "https_port": https["port"]} if https else facts


def key_json(key: HostKey) -> dict[str, str]:
    return {"type": key.type, "fingerprint": key.fingerprint}
