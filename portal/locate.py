"""Addresses that more than one page needs."""

from __future__ import annotations

from flask import request, url_for


def sign_in_url() -> str:
    """The sign-in page, which leads back to the page that was asked for."""
    if request.method != "GET" or request.path == "/":
        return url_for("accounts.sign_in")
    return url_for("accounts.sign_in", next=request.full_path.rstrip("?"))
