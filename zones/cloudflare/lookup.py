"""Which zone holds a name."""

from __future__ import annotations

from typing import Any

from stacks.errors import PortwrightError
from zones.cloudflare.answers import RIGHTS
from zones.cloudflare.api import Api


class Lookup:
    """Each name is asked for once: make one for a piece of work, not for a process."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.zones: dict[str, dict[str, Any] | None] = {}

    def zone(self, name: str) -> dict[str, Any]:
        """The zone of the longest suffix of a name."""
        labels = name.removeprefix("*.").split(".")
        suffixes = [".".join(labels[start:]) for start in range(len(labels) - 1)]
        for suffix in suffixes:
            if suffix not in self.zones:
                found = [z for z in self.api.all("/zones", name=suffix) if z.get("name") == suffix]
                found.sort(key=lambda each: each.get("status") != "active")
                self.zones[suffix] = found[0] if found else None
            zone = self.zones[suffix]
            if zone is not None:
                return zone
        raise PortwrightError(
            "the API token sees no zone at Cloudflare that holds this name",
            remedy=f"add {'.'.join(labels[-2:])} to Cloudflare, or {RIGHTS}",
            path=name,
        )
