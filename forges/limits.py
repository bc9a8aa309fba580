"""Answers that ask for patience: when to come again.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api;
https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/; RFC 9110, 10.2.3.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from forges.headers import header

USUAL = 60.0
DIGITS = re.compile(r"[0-9]{1,12}")
BUSY = frozenset({502, 503, 504})


def wait(status: int, headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until it may be asked again; None where the answer is no such thing."""
    now = time.time() if now is None else now
    after = header(headers, "Retry-After")
    spent = "0" in (
        header(headers, "X-RateLimit-Remaining"),
        header(headers, "RateLimit-Remaining"),
    )
    limited = status == 429 or (status == 403 and (bool(after) or spent))
    if not limited and status not in BUSY:
        return None
    if after:
        return seconds(after, now)
    reset = header(headers, "X-RateLimit-Reset") or header(headers, "RateLimit-Reset")
    return float(reset) - now if DIGITS.fullmatch(reset) else USUAL


def seconds(after: str, now: float) -> float:
    """Retry-After is a number of seconds or a date."""
    if DIGITS.fullmatch(after):
        return float(after)
    try:
        return parsedate_to_datetime(after).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return USUAL
