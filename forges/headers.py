"""HTTP headers by name in any case, from whatever mapping holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

DELIVERY = re.compile(r"[A-Za-z0-9._:{}-]{1,100}")
EVENT = re.compile(r"[A-Za-z0-9 _:.-]{1,60}")


def header(headers: Mapping[str, str], name: str) -> str:
    """'' where there is none."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def delivery_of(headers: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The delivery's id by the first header that is there; None where it is none that can be used."""
    given = next((found for name in names if (found := header(headers, name))), "")
    return given if DELIVERY.fullmatch(given) else None


def event_of(headers: Mapping[str, str], name: str) -> str:
    """The forge's name of the event; 'unknown' where it gives none that can be shown."""
    given = header(headers, name)
    return given if EVENT.fullmatch(given) else "unknown"
