"""What is known of each host: the worker's domains.json beside the release that serves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jobs.models import Host, Release
from jobs.settings import Settings
from stacks.routes import is_local

STAGES = {
    "local": "this machine only",
    "off": "no HTTPS",
    "old": "no HTTPS yet",
    "pending": "waiting",
    "trying": "trying",
    "asked": "asked for",
    "failing": "failing",
    "issued": "issued",
    "renewal": "not renewed",
    "expired": "expired",
}
# The colours of the pages' other badges.
BADGES = {
    "pending": "planning",
    "trying": "planning",
    "asked": "planning",
    "failing": "failed",
    "issued": "succeeded",
    "renewal": "awaiting_approval",
    "expired": "failed",
}


@dataclass(frozen=True)
class Domain:
    """A host of a service. stage: a key of STAGES; words: what it means; failure: {cause, remedy};
    reach: {here, words}, None before it was looked at."""

    host: str
    service: str
    url: str
    stage: str
    words: str
    issuer: str | None = None
    until: datetime | None = None
    failure: dict[str, Any] | None = None
    retry_at: datetime | None = None
    reach: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        return STAGES[self.stage]

    @property
    def badge(self) -> str:
        return BADGES.get(self.stage, "")

    @property
    def failed_at(self) -> datetime | None:
        return moment(self.failure["at"]) if self.failure else None

    def to_json(self) -> dict[str, Any]:
        at = {key: value.isoformat() if value else None for key, value in self.moments().items()}
        return {**asdict(self), **at}

    def moments(self) -> dict[str, datetime | None]:
        return {"until": self.until, "retry_at": self.retry_at}


def domains_of(
    release: Release | None, settings: Settings, at: datetime, there: Host | None = None
) -> list[Domain]:
    """By service, in the order of its routes; a host with several paths once. there: the other
    machine that serves them. Reads the Spec as it is: an older one may lack what is known today."""
    if release is None:
        return []
    known = kept(settings)
    found: dict[str, Domain] = {}
    for name, service in sorted((release.spec.get("services") or {}).items()):
        secure = bool(service.get("tls"))
        for route in service.get("routes") or ():
            host = str(route["host"])
            if there is not None:
                found.setdefault(host, elsewhere(name, host, there))
                continue
            found.setdefault(host, domain(name, host, secure, known.get(host), settings, at))
    return list(found.values())


def elsewhere(service: str, host: str, there: Host) -> Domain:
    words = f"plain HTTP on host {there.name}: certificates are for the portal's own machine only"
    return Domain(host, service, address("http", host, there.http_port, 80), "off", words)


def kept(settings: Settings) -> dict[str, dict[str, Any]]:
    """Host → what the worker wrote last; nothing before it did."""
    try:
        read: dict[str, dict[str, Any]] = json.loads(
            (settings.home / "traefik/domains.json").read_text()
        )
    except (OSError, ValueError):
        return {}
    return read


def domain(
    service: str,
    host: str,
    secure: bool,
    known: dict[str, Any] | None,
    settings: Settings,
    at: datetime,
) -> Domain:
    plain = address("http", host, settings.http_port, 80)
    if is_local(host):
        return Domain(host, service, plain, "local", "plain HTTP, on this machine")
    if not settings.https_port:
        words = "plain HTTP: the host's owner can turn HTTPS on with PORTWRIGHT_HTTPS_PORT"
        return Domain(host, service, plain, "off", words)
    if not secure:
        words = f"plain HTTP until {service} is next changed: it was deployed before HTTPS was here"
        return Domain(host, service, plain, "old", words)
    if known is None:
        return Domain(host, service, plain, "pending", "the worker takes it up in a few seconds")
    until = moment(known["until"])
    stage, words = told(known, until, at)
    safe = until is not None and until > at
    return Domain(
        host=host,
        service=service,
        url=address("https", host, settings.https_port, 443) if safe else plain,
        stage=stage,
        words=words,
        issuer=known["issuer"],
        until=until,
        failure=known["failure"],
        retry_at=moment(known["retry_at"]),
        reach=known["reach"],
    )


def told(known: dict[str, Any], until: datetime | None, at: datetime) -> tuple[str, str]:
    """(stage, words) of what the worker knows."""
    name = known["name"]
    if until is not None and until <= at:
        return "expired", f"the certificate for {name} ended; visitors get plain HTTP"
    if known["stage"] == "issued" and known["failure"]:
        return "renewal", f"the certificate for {name} is good, but was not renewed"
    if known["stage"] == "issued":
        return "issued", f"a certificate for {name}"
    return str(known["stage"]), {
        "trying": "being tried at the staging server, which spares the issuer's limits",
        "asked": "the issuer is asked; plain HTTP until it has answered",
        "failing": "no certificate: visitors get plain HTTP",
    }[known["stage"]]


def address(scheme: str, host: str, port: int, usual: int) -> str:
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
