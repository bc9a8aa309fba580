"""Which hosts get a certificate, in which order of steps: tried at a staging server, asked for, held.

Pure: what Traefik holds and failed to get comes in, what it is told next goes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from jobs.acme import RESOLVER
from jobs.certificates import Certificate, Failure
from jobs.settings import Settings

Stage = Literal["issued", "asked", "trying", "failing"]
# Let's Encrypt refuses a host for an hour after 5 failures: https://letsencrypt.org/docs/rate-limits/
FIRST_PAUSE = {"asked": timedelta(minutes=15), "trying": timedelta(minutes=2)}
LONGEST_PAUSE = timedelta(hours=6)
# Says nothing of the name: the staging server itself is not to be had, and the issuer is asked.
NO_VERDICT = {"unreachable", "serverInternal", "rateLimited"}
REMEMBERED = timedelta(days=1)
# Above every container's router (stacks.routes), below each other in this order.
FORWARD, ANSWER, REDIRECT = 10**18, 10**17, 10**15
CHALLENGES = "PathPrefix(`/.well-known/acme-challenge/`)"


@dataclass(frozen=True)
class State:
    """One certificate. failure: the last one, where nothing has gone well since; retry_at: when
    it is tried again."""

    name: str
    stage: Stage
    certificate: Certificate | None = None
    failure: Failure | None = None
    retry_at: datetime | None = None


def decide(
    names: Iterable[str],
    held: Mapping[str, Certificate],
    tried: Mapping[str, Certificate] | None,
    asked_failures: list[Failure],
    tried_failures: list[Failure],
    at: datetime,
    again: Mapping[str, datetime],
) -> dict[str, State]:
    """Each name's state. tried: what the staging server gave; None where there is none to try.
    again: when somebody last asked for another attempt."""
    return {
        name: state(
            name,
            held.get(name),
            tried is None or name in tried,
            of(name, asked_failures),
            of(name, tried_failures),
            at,
            again.get(name),
        )
        for name in sorted(set(names))
    }


def of(name: str, failures: list[Failure]) -> list[Failure]:
    return [each for each in failures if each.name == name]


def state(
    name: str,
    certificate: Certificate | None,
    ready: bool,
    asked: list[Failure],
    tried: list[Failure],
    at: datetime,
    again: datetime | None,
) -> State:
    if certificate:
        since = [each for each in asked if each.at > certificate.since]
        return State(name, "issued", certificate, since[-1] if since else None)
    ready = ready or bool(tried and tried[-1].problem in NO_VERDICT)
    step: Literal["asked", "trying"] = "asked" if ready else "trying"
    recent = [each for each in (asked if ready else tried) if each.at > at - REMEMBERED]
    if not recent:
        return State(name, step)
    pause = min(FIRST_PAUSE[step] * 2 ** min(len(recent) - 1, 10), LONGEST_PAUSE)
    retry_at = recent[-1].at + pause
    if retry_at <= at or (again and again > recent[-1].at):
        return State(name, step, failure=recent[-1])
    return State(name, "failing", failure=recent[-1], retry_at=retry_at)


def dynamic(
    states: Mapping[str, State],
    hosts: Mapping[str, str],
    settled: Collection[str],
    settings: Settings,
    at: datetime,
) -> dict[str, Any]:
    """What Traefik is told. hosts: each host with the name on its certificate; settled: names
    whose certificate it has had for a moment, and shows by now."""
    routers: dict[str, Any] = {}
    for name, each in states.items():
        key = name.replace("*", "any").replace(".", "-")
        if each.stage == "issued" or each.stage == "asked":
            routers[f"certificate-{key}"] = asks(name)
        elif each.stage == "trying" and settings.acme_challenge == "http":
            routers[f"try-{key}"] = {
                "rule": f"Host(`{name}`) && {CHALLENGES}",
                "entryPoints": ["web"],
                "priority": FORWARD,
                "service": "rehearsal",
            }
    safe = [
        host for host, name in sorted(hosts.items()) if name in settled and serves(states[name], at)
    ]
    if safe:
        routers["to-https"] = {
            "rule": " || ".join(f"Host(`{host}`)" for host in safe),
            "entryPoints": ["web"],
            "priority": REDIRECT,
            "middlewares": ["to-https@file"],
            "service": "noop@internal",
        }
    url = f"http://127.0.0.1:{settings.rehearsal_port}"
    services = {"rehearsal": {"loadBalancer": {"servers": [{"url": url}]}}}
    return {"http": {"routers": routers, "services": services}} if routers else {}


def serves(state: State, at: datetime) -> bool:
    return state.certificate is not None and state.certificate.until > at


def asks(name: str) -> dict[str, Any]:
    """A router that nobody's request meets: it makes Traefik get a certificate."""
    return {
        "rule": f"Host(`{name.replace('*', 'certificate')}`) && Path(`/.well-known/portwright`)",
        "entryPoints": ["websecure"],
        "service": "noop@internal",
        "tls": {"certResolver": RESOLVER, "domains": [{"main": name}]},
    }
