"""What is known of each host: what its machine's domains.json says, beside the release that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jobs.front import Front, moment
from jobs.models import Release
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


APPLY = "`portwright host apply root@HOST --role node`"
MENDED = f"see there `systemctl status portwright-certificates`, or {APPLY}"


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


def domains_of(release: Release | None, front: Front, at: datetime) -> list[Domain]:
    """By service, in the order of its routes; a host with several paths once. front: of the machine
    that serves them. Reads the Spec as it is: an older one may lack what is known today."""
    if release is None:
        return []
    found: dict[str, Domain] = {}
    for name, service in sorted((release.spec.get("services") or {}).items()):
        secure = bool(service.get("tls"))
        for route in service.get("routes") or ():
            host = str(route["host"])
            found.setdefault(host, domain(name, host, secure, front, at))
    return list(found.values())


def domain(service: str, host: str, secure: bool, front: Front, at: datetime) -> Domain:
    plain = front.plain(host)
    if is_local(host):
        machine = f"host {front.name}" if front.name else "this machine"
        return Domain(host, service, plain, "local", f"plain HTTP, on {machine}")
    if not front.https_port:
        return Domain(host, service, plain, "off", how_to_turn_on(front))
    if not secure:
        words = f"plain HTTP until {service} is next changed: it was deployed before HTTPS was here"
        return Domain(host, service, plain, "old", words)
    known = front.known.get(host)
    if known is None:
        return Domain(host, service, plain, "pending", waited_for(front))
    until = moment(known["until"])
    stage, words = told(known, until, at)
    return Domain(
        host=host,
        service=service,
        url=front.url(host, at=at),
        stage=stage,
        words=f"{words}, as host {front.name} said last: {MENDED}" if front.silent else words,
        issuer=known["issuer"],
        until=until,
        failure=known["failure"],
        retry_at=moment(known["retry_at"]),
        reach=known["reach"],
    )


def how_to_turn_on(front: Front) -> str:
    if not front.name:
        return "plain HTTP: the host's owner can turn HTTPS on with PORTWRIGHT_HTTPS_PORT"
    return (
        f"plain HTTP on host {front.name}: its owner can turn HTTPS on with HTTPS_PORT among its "
        f"settings in inventory/hosts.py, and {APPLY}"
    )


def waited_for(front: Front) -> str:
    if front.silent:
        return f"host {front.name} has HTTPS, but says nothing of its certificates: {MENDED}"
    return f"{f'host {front.name}' if front.name else 'the worker'} takes it up in a few seconds"


def told(known: Mapping[str, Any], until: datetime | None, at: datetime) -> tuple[str, str]:
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
