"""How Docker asks a container whether it is well, and how long to wait for it."""

from __future__ import annotations

import re
from typing import Any

from stacks.service_file import Healthcheck

# Seconds for a healthcheck that an image brings itself: its numbers are not known here.
IMAGE_PATIENCE = 180
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}

# The URL comes as "$1": no text from a project file is ever read by the shell.
HTTP_PROBE = """\
if command -v curl >/dev/null; then exec curl -fsS -o /dev/null --max-time 5 "$1"; fi
if command -v wget >/dev/null; then exec wget -q -T 5 -O /dev/null "$1"; fi
if command -v python3 >/dev/null; then
  exec python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1"
fi
if command -v node >/dev/null; then
  exec node -e 'fetch(process.argv[1]).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$1"
fi
echo "this image has no curl, wget, python3 or node: give healthcheck.command" >&2; exit 1
"""
TCP_PROBE = """\
if command -v bash >/dev/null; then exec bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"' probe "$1"; fi
if command -v nc >/dev/null; then exec nc -z 127.0.0.1 "$1"; fi
if command -v python3 >/dev/null; then
  exec python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$1"
fi
echo "this image has no bash, nc or python3: give healthcheck.command" >&2; exit 1
"""


def healthcheck_args(check: Healthcheck, port: int) -> dict[str, Any]:
    """pulumi_docker's arguments of a container that is waited for until it is healthy."""
    return {
        "healthcheck": {
            "tests": probe(check, port),
            "interval": go_duration(check.interval),
            "timeout": go_duration(check.timeout),
            "start_period": go_duration(check.start_period),
            "retries": check.retries,
        },
        "wait": True,
        "wait_timeout": patience(check),
    }


def probe(check: Healthcheck, port: int) -> list[str]:
    if check.command is not None:
        return ["CMD", *check.command]
    if check.tcp:
        return ["CMD", "/bin/sh", "-c", TCP_PROBE, "probe", str(port)]
    return ["CMD", "/bin/sh", "-c", HTTP_PROBE, "probe", f"http://127.0.0.1:{port}{check.http}"]


def patience(check: Healthcheck) -> int:
    """Seconds after which Docker must have called the container healthy or not."""
    once = seconds(check.interval) + min(seconds(check.timeout), 5.0)
    return round(seconds(check.start_period) + once * check.retries + 10)


def seconds(duration: str) -> float:
    amount, unit = re.fullmatch(r"([0-9]+)(ms|s|m)", duration).groups()  # type: ignore[union-attr]
    return int(amount) * UNITS[unit]


def go_duration(duration: str) -> str:
    """As Go prints it (time.Duration.String): the provider reads it back so, and compares text."""
    total = round(seconds(duration) * 1000)
    minutes, rest = divmod(total, 60_000)
    hours, minutes = divmod(minutes, 60)
    if total < 1000:
        return f"{total}ms" if total else "0s"
    tail = f"{rest / 1000:g}s"
    return f"{hours}h{minutes}m{tail}" if hours else f"{minutes}m{tail}" if minutes else tail
