"""What Cloudflare answers: an envelope `{success, result, errors: [{code, message}], result_info}`.

The codes are those that its users report: 10000 and 9109 authentication, 81057 and 81058 the
record is there already, 81053 and 81054 another type is, 81044 it is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from stacks.errors import PortwrightError

IDENTIFIER = re.compile(r"[0-9a-f]{32}")
UNKNOWN = {1000, 1001, 6003, 9106, 9107, 9109, 10000, 10001}
EXISTS = {81053, 81054, 81057, 81058}
GONE = {81044}
RIGHTS = "make a token with Zone → DNS → Edit and Zone → Zone → Read for this domain"


class Refused(PortwrightError):
    """Cloudflare said no. status: HTTP's; codes: its own."""

    def __init__(self, status: int, codes: set[int], said: str) -> None:
        self.status = status
        self.codes = codes
        self.unauthorized = status in (401, 403) or bool(codes & UNKNOWN)
        super().__init__(
            f"Cloudflare refused: {said[:500] or f'HTTP {status}'}",
            remedy=RIGHTS if self.unauthorized else "correct what it names, or try again later",
            path="dns",
        )


def envelope(response: httpx.Response, secret: str) -> dict[str, Any]:
    """The answer of a request that did what it should; raises Refused. secret: is told nowhere."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refused(response.status_code, set(), "an answer that is not JSON")
    if response.is_success and answer.get("success"):
        return answer
    errors = [each for each in answer.get("errors") or [] if isinstance(each, dict)]
    codes = {each["code"] for each in errors if isinstance(each.get("code"), int)}
    told = "; ".join(f"{each.get('message')} ({each.get('code')})" for each in errors)
    raise Refused(response.status_code, codes, told.replace(secret, "[token]"))


def retry_after(response: httpx.Response) -> float:
    """Seconds; Cloudflare gives a whole number."""
    given = response.headers.get("Retry-After", "")
    return float(given) if re.fullmatch(r"[0-9]{1,5}", given) else 5.0


def identifier(result: Mapping[str, Any]) -> str:
    """An id that may go into a path; raises PortwrightError."""
    found = result.get("id")
    if not isinstance(found, str) or not IDENTIFIER.fullmatch(found):
        raise PortwrightError(
            "Cloudflare answered with an id that is none", remedy="try again later", path="dns"
        )
    return found
