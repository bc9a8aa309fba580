"""Which wildcard answers for a domain's names already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zones.cloudflare.answers import identifier
from zones.reconcile import HOSTS, Held


def covering(zone: Mapping[str, Any], domain: str, held: Callable[[str, str], list[Held]]) -> str:
    """The closest wildcard above the domain's names; '' where there is none.

    One above the domain counts too, unless the domain has a record of its own, which ends its
    answer (RFC 4592, 2.2.1). A record under the domain would end it as well, and take the names of
    other services along.
    """
    number, top = identifier(zone), str(zone.get("name"))
    name = domain
    while True:
        if any(each.type in HOSTS for each in held(number, f"*.{name}")):
            return f"*.{name}"
        if name == top or held(number, name):
            return ""
        name = name.partition(".")[2]
