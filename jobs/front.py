"""Where visitors reach the services of a machine: by HTTPS where a name has a good certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jobs.models import Host, now
from jobs.settings import Settings


@dataclass(frozen=True)
class Front:
    """Of one machine. https_port: 0 where HTTPS is off there; known: host → what the machine's
    domains.json says (jobs.keeper); name: of another machine, empty of this one; silent: it has
    HTTPS, and tells nothing of its certificates now."""

    http_port: int
    https_port: int
    known: Mapping[str, Mapping[str, Any]]
    name: str = ""
    silent: bool = False

    def url(self, host: str, path: str = "", at: datetime | None = None) -> str:
        until = moment((self.known.get(host) or {}).get("until")) if self.https_port else None
        if until is not None and until > (at or now()):
            return address("https", host, self.https_port, 443) + path
        return self.plain(host) + path

    def plain(self, host: str) -> str:
        return address("http", host, self.http_port, 80)


def front_of(host: Host | None, settings: Settings) -> Front:
    """host: what a project is placed on; None: this machine."""
    if host is None:
        return Front(settings.http_port, settings.https_port, kept(settings))
    told = (host.facts or {}).get("https") or {}
    return Front(
        host.http_port,
        told.get("port") or 0,
        told.get("domains") or {},
        host.name,
        bool(told.get("silent") or host.problem),
    )


def kept(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """Host → what the worker wrote last; nothing before it did."""
    path = settings.home / "traefik/domains.json"
    try:
        written = path.stat()
    except OSError:
        return {}
    return read(path, written.st_ino, written.st_mtime_ns)


@lru_cache(maxsize=1)
def read(path: Path, *_: int) -> Mapping[str, Mapping[str, Any]]:
    """Once for all projects of a page: the worker writes a new file each time (jobs.keeper)."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def address(scheme: str, host: str, port: int, usual: int) -> str:
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
