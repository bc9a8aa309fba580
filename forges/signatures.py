"""Who sent a hook: signatures over the raw bytes, against several live secrets, in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence

from forges.headers import header

WHSEC = "whsec_"
TOLERANCE = 300.0
TIMESTAMP = re.compile(r"[0-9]{1,12}")
MOST_SIGNATURES = 10


def hex_signed(secrets: Sequence[str], body: bytes, given: str) -> bool:
    """HMAC-SHA256 as hex digits, with or without `sha256=`."""
    told = given.removeprefix("sha256=").encode()
    matches = [
        hmac.compare_digest(
            told, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        )
        for secret in secrets
        if secret
    ]
    return any(matches)


def same_token(secrets: Sequence[str], given: str) -> bool:
    """The secret itself, sent along."""
    told = hashlib.sha256(given.encode(errors="surrogatepass")).digest()
    matches = [
        hmac.compare_digest(told, hashlib.sha256(secret.encode()).digest())
        for secret in secrets
        if secret
    ]
    return any(matches)


def standard_signed(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    clock: Callable[[], float] = time.time,
) -> bool:
    """Standard Webhooks, symmetric: secrets are `whsec_` and base64.

    The signed id and a moment at most five minutes off stand against replay.
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    sent, stamp = header(headers, "webhook-id"), header(headers, "webhook-timestamp")
    if not sent or not TIMESTAMP.fullmatch(stamp) or abs(clock() - int(stamp)) > TOLERANCE:
        return False
    told = header(headers, "webhook-signature").split(" ")[:MOST_SIGNATURES]
    content = f"{sent}.{stamp}.".encode(errors="surrogatepass") + body
    matches = []
    for key in filter(None, map(key_of, secrets)):
        expected = b"v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
        matches += [
            hmac.compare_digest(each.encode(errors="surrogatepass"), expected) for each in told
        ]
    return any(matches)


def key_of(secret: str) -> bytes:
    """The key within `whsec_…`; b'' where it is none."""
    try:
        return base64.b64decode(secret.removeprefix(WHSEC), validate=True)
    except (binascii.Error, ValueError):
        return b""
