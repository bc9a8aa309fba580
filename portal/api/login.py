"""A token for the command line, in exchange for e-mail and password; and giving it back."""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from portal.access import person
from portal.accounts.throttle import sign_in_with
from portal.api import blueprint
from portal.api.bodies import Login, body_as
from portal.bearer import new_token, revoke, token_of_header
from portal.errors import Refused


@blueprint.post("/login", endpoint="login")
def login() -> ResponseReturnValue:
    given = body_as(Login)
    user = sign_in_with(given.email, given.password)
    if user is None:
        raise Refused(401, "E-mail or password is wrong.", "Check both and try again.")
    return jsonify(token=new_token(user, given.label), email=user.email), 201


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Revoke the token that this request carries."""
    token = token_of_header(request.headers["Authorization"])
    if token:
        revoke(token, person())
    return "", 204
