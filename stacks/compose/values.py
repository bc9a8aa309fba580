"""Compose's ways to write durations, sizes and ports, in ours."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from stacks.fields import LEAST_MEGABYTES

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h)")
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([bkmgt]?)i?b?", re.I)
BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
PORT = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<host>[0-9]*(?:-[0-9]+)?):)?"
    r"(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp|sctp))?"
)
MOST_PORTS = 20


def duration(value: Any) -> str | None:
    """`1m30s` as `90s`; None where it is none."""
    text = str(value).strip()
    if not text or DURATION.sub("", text):
        return None
    total = sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(text))
    if total < 10 and total * 1000 % 1000:
        return f"{max(1, round(total * 1000))}ms"
    return f"{min(9999, round(total))}s"


def memory(value: Any) -> str | None:
    """`1.5g` as `1536M`, never less than a container needs; None where it is no size."""
    found = SIZE.fullmatch(str(value).strip())
    if not found:
        return None
    size = float(found[1]) * BYTES[found[2].lower()] / 2**20
    return f"{max(LEAST_MEGABYTES, math.ceil(size))}M"


def file_size(value: Any) -> str | None:
    found = SIZE.fullmatch(str(value).strip())
    if not found:
        return None
    return f"{max(1, math.ceil(float(found[1]) * BYTES[found[2].lower()] / 2**10))}K"


@dataclass(frozen=True)
class Port:
    """host is None where only the container's is given."""

    container: int
    host: int | None = None
    address: str | None = None
    protocol: str = "tcp"


def ports(value: Any) -> list[Port] | None:
    """Of one entry, short or long, ranges spread; None where it is none."""
    if isinstance(value, dict):
        target, published = value.get("target"), value.get("published")
        ip = value.get("host_ip")
        text = f"{f'{ip}:' if ip else ''}{'' if published is None else f'{published}:'}{target}"
        text += f"/{value.get('protocol', 'tcp')}"
    else:
        text = str(value)
    found = PORT.fullmatch(text)
    if not found:
        return None
    inner = spread(found["container"])
    outer = spread(found["host"]) if found["host"] else [None] * len(inner)
    if len(outer) != len(inner) or not 0 < len(inner) <= MOST_PORTS:
        return None
    if any(port is not None and not 0 < port < 65536 for port in (*inner, *outer)):
        return None
    protocol = found["protocol"] or "tcp"
    return [Port(i, o, found["ip"], protocol) for i, o in zip(inner, outer, strict=True)]


def spread(text: str) -> list[int]:
    first, _, last = text.partition("-")
    begin, end = int(first), int(last or first)
    return list(range(begin, min(end, begin + MOST_PORTS) + 1))
