"""One DNS record, valid from the moment that it is made."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal, get_args

from stacks.errors import PortwrightError

Type = Literal["A", "AAAA", "CNAME", "TXT"]
# RFC 1123, 2.1: letters, digits and inner hyphens, at most 63 of them.
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# RFC 8552: names that begin with an underscore hold no host.
UNDERSCORED = re.compile(r"_[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?")
LONGEST_NAME = 253
LONGEST_TEXT = 2048
TEXT = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_TEXT}}}")
SHORTEST_TTL, LONGEST_TTL = 60, 86_400


@dataclass(frozen=True, order=True)
class Record:
    """name: absolute, without the last dot, in lower case; `*.` may stand at its front.

    value: an address, a host name or plain text (not quoted). ttl: seconds, 60 to 86400.
    Names and addresses are brought to one form. Raises PortwrightError with the field's path.
    """

    name: str
    type: Type
    value: str
    ttl: int = 300

    def __post_init__(self) -> None:
        if self.type not in get_args(Type):
            raise PortwrightError(
                f"{self.type!r} is no type that is written here",
                remedy=f"use {', '.join(get_args(Type))}",
                path="type",
            )
        hidden = self.type in ("CNAME", "TXT")
        object.__setattr__(self, "name", host_name(self.name, "name", star=True, hidden=hidden))
        object.__setattr__(self, "value", valid_value(self.type, self.value))
        if self.type == "CNAME" and self.value == self.name:
            raise PortwrightError("points to itself", remedy="name another host", path="value")
        if not SHORTEST_TTL <= self.ttl <= LONGEST_TTL:
            raise PortwrightError(
                f"{self.ttl} s can't be used",
                remedy=f"give {SHORTEST_TTL} to {LONGEST_TTL} seconds",
                path="ttl",
            )

    @property
    def wildcard(self) -> bool:
        return self.name.startswith("*.")


def host_name(given: str, path: str, *, star: bool = False, hidden: bool = False) -> str:
    """The name in one form. star: `*.` may begin it; hidden: labels may begin with `_`."""
    name = given.lower().removesuffix(".")
    labels = name.removeprefix("*.").split(".") if star else name.split(".")
    patterns = [LABEL, UNDERSCORED] if hidden else [LABEL]
    fits = all(any(each.fullmatch(label) for each in patterns) for label in labels)
    if not fits or len(labels) < 2 or len(name) > LONGEST_NAME:
        raise PortwrightError(
            f"{given!r} is no name for a record",
            remedy="write a full name such as shop.example.com or *.example.com, "
            "other alphabets as xn--…",
            path=path,
        )
    return name


def valid_value(kind: Type, value: str) -> str:
    if kind == "CNAME":
        return host_name(value, "value", hidden=True)
    if kind == "TXT":
        if not TEXT.fullmatch(value):
            raise PortwrightError(
                "has characters that can't be written, or too many",
                remedy=f"write 1 to {LONGEST_TEXT} printable ASCII characters",
                path="value",
            )
        return value
    found = address(value, "value")
    if found.version != (4 if kind == "A" else 6):
        raise PortwrightError(
            f"{value} is no IPv{4 if kind == 'A' else 6} address",
            remedy=f"use a record of type {'AAAA' if kind == 'A' else 'A'}",
            path="value",
        )
    return str(found)


def address(value: str, path: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address that a host can have; raises PortwrightError."""
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        found = None
    scoped = isinstance(found, ipaddress.IPv6Address) and found.scope_id
    if found is None or scoped or found.is_unspecified or found.is_multicast:
        raise PortwrightError(
            f"{value!r} is no address of a host",
            remedy="write one such as 203.0.113.7 or 2001:db8::7",
            path=path,
        )
    return found
