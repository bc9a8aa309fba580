"""Records as they cross the wire.

Ours carry a comment: comments are free on every plan and come back with each record
(developers.cloudflare.com/dns/manage-dns-records/reference/record-attributes); tags are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from stacks.errors import PortwrightError
from zones.cloudflare.answers import identifier
from zones.reconcile import Held
from zones.records import Record, Type

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def body(record: Record, comment: str) -> dict[str, Any]:
    value = quoted(record.value) if record.type == "TXT" else record.value
    return {
        "type": record.type,
        "name": record.name,
        "content": value,
        "ttl": record.ttl,
        "comment": comment,
    }


def held(result: Mapping[str, Any], comment: str) -> Held:
    """A record as the API shows it. A ttl of 1 is «automatic», as with everything proxied."""
    kind, value = str(result.get("type")), str(result.get("content", ""))
    name, ttl = str(result.get("name")).lower(), result.get("ttl")
    kept = None if result.get("proxied") or ttl == 1 or not isinstance(ttl, int) else ttl
    if kind == "TXT":
        value = plain(value)
    try:
        record = Record(name, cast(Type, kind), value, kept or 300)
    except PortwrightError:
        record = None
    value = record.value if record else value
    ours = result.get("comment") == comment
    return Held(identifier(result), name, kind, value, kept, ours, record)


def quoted(text: str) -> str:
    """RFC 1035, 5.1: strings of at most 255 bytes in quotes."""
    parts = [text[start : start + 255] for start in range(0, len(text), 255)]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts)


def plain(content: str) -> str:
    if not content.startswith('"'):
        return content
    return "".join(re.sub(r"\\(.)", r"\1", part) for part in QUOTED.findall(content))
