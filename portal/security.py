"""Headers of every answer. Scripts and styles come from /static only; nothing is inline."""

from __future__ import annotations

from flask import Response, request

POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def is_local(target: str | None) -> bool:
    """Whether a redirect target is a path on this site (`//host` and `/\\host` are not)."""
    return bool(
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and not any(ord(letter) < 33 or letter == "\\" for letter in target)
    )
