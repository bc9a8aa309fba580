"""Compose allows names that are no DNS labels; ours are. References follow."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stacks.names import NAME


def usable(name: str, taken: Iterable[str], default: str = "service") -> str:
    """The nearest name of ours that is not taken."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    base = re.sub(r"^[^a-z]+", "", base)[:36].strip("-") or default
    found, count = base, 1
    while found in taken:
        count += 1
        found = f"{base}-{count}"
    assert NAME.fullmatch(found)
    return found


class Names:
    """ours: Compose's name of a service → ours."""

    def __init__(self, services: Iterable[str]) -> None:
        self.ours: dict[str, str] = {}
        services = list(services)
        # Those that can stay do, whatever comes before them.
        for name in services:
            if NAME.fullmatch(name):
                self.ours[name] = name
        for name in services:
            if name not in self.ours:
                self.ours[name] = usable(name, self.ours.values())

    def in_text(self, text: str) -> str:
        """A value in which services are named as hosts, with our names."""
        for name, ours in self.ours.items():
            if name != ours:
                word = re.escape(name)
                text = re.sub(rf"(?<![\w.-]){word}(?![\w-]|\.\w)", ours, text)
        return text
