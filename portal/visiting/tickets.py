"""Tickets and passes: who they are for and which preview's host they open, signed by the portal."""

from __future__ import annotations

import secrets

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer


def signer(salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"preview-{salt}")


def opened(salt: str, text: str | None, seconds: int, host: str) -> tuple[int, str] | None:
    """The user's id and the number of a ticket or pass that is for this host; None where it is no
    good. The number is signed; the text is not the same for one ticket (base64's last bits)."""
    try:
        told = signer(salt).loads(text or "", max_age=seconds)
        return (int(told["user"]), str(told["number"])) if told["host"] == host else None
    except (BadSignature, KeyError, TypeError, ValueError):
        return None


def signed(salt: str, user: int, host: str) -> str:
    told = {"user": user, "host": host, "number": secrets.token_urlsafe(16)}
    return str(signer(salt).dumps(told))
