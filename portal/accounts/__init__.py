"""Accounts: the first owner, signing in and out, invitations and API tokens."""

from __future__ import annotations

from flask import Blueprint, Flask

blueprint = Blueprint("accounts", __name__)

from portal.accounts import account, invitation, setup, sign_in  # noqa: E402, F401


def init_app(app: Flask) -> None:
    sign_in.manager.init_app(app, add_context_processor=False)  # error pages need no user
