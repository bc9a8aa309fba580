"""The connection test: each thing that a host must have, in the order in which they are met."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import Any

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException
from sqlalchemy.orm import Session

from jobs import pressure
from jobs.hosts import reach, ssh
from jobs.hosts.way import Way, papers
from jobs.models import Host, now
from jobs.settings import Settings
from stacks.errors import PortwrightError

# The oldest that the tests run on.
OLDEST = (20, 10)
SECONDS = 30.0
FREE = re.compile(r"^\S+\s+\d+\s+\d+\s+(\d+)\s+\d+%\s+/", re.M)


@dataclass(frozen=True)
class Checked:
    """problem: {message, remedy}, None where projects can be placed there. warnings: what is not
    as it should be, in words. facts: Host.facts."""

    problem: dict[str, str] | None
    warnings: tuple[str, ...]
    facts: dict[str, Any]


def check(session: Session, settings: Settings, host: Host) -> Checked:
    """Look at it now, and keep what was found; commits. Never raises for what is wrong there."""
    found = look(settings, host)
    host.checked_at, host.problem = now(), found.problem
    host.facts = {**(host.facts or {}), **found.facts, "warnings": list(found.warnings)}
    session.commit()
    return found


def look(settings: Settings, host: Host) -> Checked:
    facts: dict[str, Any] = {}
    try:
        client = reach.connect_to(settings, host)
        try:
            facts = engine_facts(client)
        finally:
            client.close()
        if version(facts["docker"]) < OLDEST:
            raise PortwrightError(
                f"host {host.name} has Docker {facts['docker']}, which is too old",
                remedy=f"install {'.'.join(map(str, OLDEST))} or newer there",
                path="host",
            )
    except PortwrightError as error:
        told = {"message": error.message, "remedy": error.remedy}
        return Checked(told, (), facts)
    except (DockerException, RequestException) as error:
        told = {
            "message": f"host {host.name}: its Docker engine did not answer ({error})",
            "remedy": "see there what Docker says: journalctl -u docker",
        }
        return Checked(told, (), facts)
    warnings = []
    if host.address is None:
        facts["disk_free_mb"] = pressure.disk_free_mb(settings.home)
    else:
        facts["disk_free_mb"] = disk_free_mb(reach.way_of(settings, host))
    facts["traefik"] = traefik_version(settings, host)
    if not facts["traefik"]:
        port = settings.traefik_port if host.address is None else host.traefik_port
        warnings.append(
            f"no Traefik answers at 127.0.0.1:{port} there: services with a port can't be "
            "deployed to it (portwright bootstrap root@HOST --role node installs one)"
        )
    free = facts.get("disk_free_mb")
    if free is not None and free < settings.min_disk_mb:
        warnings.append(f"its disk has {free} MB free, and a deploy needs {settings.min_disk_mb}")
    return Checked(None, tuple(warnings), facts)


def engine_facts(client: DockerClient) -> dict[str, Any]:
    info = client.info()
    return {
        "docker": str(info.get("ServerVersion") or ""),
        "cpus": int(info.get("NCPU") or 0),
        "memory_mb": int(info.get("MemTotal") or 0) // 1024**2,
        "architecture": str(info.get("Architecture") or ""),
    }


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def disk_free_mb(way: Way) -> int | None:
    """Where Docker keeps its data; None where it can't be told. The key may run just this."""
    try:
        with papers(way) as folder:
            done = subprocess.run(
                [*ssh.command(way.address, folder), "there", ssh.ROOM],
                capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    found = FREE.search(done.stdout)
    return int(found[1]) // 1024 if found else None


def traefik_version(settings: Settings, host: Host) -> str:
    """Empty where none answers."""
    try:
        told = reach.traefik_of(settings, host).get("version") or {}
    except OSError:
        return ""
    return str(told.get("Version") or "")
