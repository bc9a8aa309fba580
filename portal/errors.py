"""Failures in plain words: a page for people, JSON under /api."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException

from jobs.hosts.words import Away
from stacks.errors import PortwrightError

WORDS = {
    400: ("This request can't be understood", "Go back, reload the page and try again."),
    401: ("You are not signed in", "Sign in, or send a token: Authorization: Bearer pw_…"),
    403: ("Your role does not allow this", "Ask an owner of the project for a larger role."),
    404: ("There is nothing here", "It may have been removed, or you may not be a member."),
    405: ("This page can't be used that way", "Go back and follow a link or a button."),
    410: ("This is gone", "It was used already and can't be used again."),
    413: ("That is too large", "Send less than 1 MiB."),
    415: ("This is not JSON", "Send a JSON body with Content-Type: application/json."),
    429: ("Too many attempts", "Wait 15 minutes, then try again."),
    500: ("Something broke on our side", "Try again; the portal's log tells the cause."),
    503: ("The database does not answer", "Try again in a moment; nothing was changed."),
}


class Refused(HTTPException):
    """An answer with a cause and a remedy of its own."""

    def __init__(
        self,
        code: int,
        message: str,
        remedy: str,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.path = path
        self.headers = headers or {}


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, http_failure)
    app.register_error_handler(PortwrightError, request_failure)
    app.register_error_handler(IntegrityError, conflict)
    for failure in (OperationalError, InterfaceError, TimeoutError):
        app.register_error_handler(failure, database_failure)


def http_failure(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    message, remedy = WORDS.get(code, (error.name, "Go back and try again."))
    if isinstance(error, Refused):
        body, _ = answer(code, error.message, error.remedy, error.path)
        return body, code, error.headers
    if isinstance(error, CSRFError):
        message = "This form is too old or came from elsewhere"
    return answer(code, message, remedy)


def request_failure(error: PortwrightError) -> ResponseReturnValue:
    away = error.path == "docker" or isinstance(error, Away)
    return answer(503 if away else 422, error.message, error.remedy, error.path)


def conflict(error: IntegrityError) -> ResponseReturnValue:
    current_app.logger.warning("conflict: %s", error.orig)
    return answer(409, "Somebody else changed this at the same moment", "Reload and try again.")


def database_failure(error: Exception) -> ResponseReturnValue:
    current_app.logger.error("database: %s", getattr(error, "orig", error))  # no parameters
    return answer(503, *WORDS[503])


def answer(code: int, message: str, remedy: str, path: str = "") -> tuple[str | Response, int]:
    if request.path.startswith(("/api/", "/hooks/")):
        return jsonify(error={"path": path, "message": message, "remedy": remedy}), code
    page = render_template("error.html", code=code, message=message, remedy=remedy, path=path)
    return page, code
