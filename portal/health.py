"""/healthz: whether the portal and its database answer."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.database import db

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    try:
        db.session.execute(text("SELECT 1"))
    except Exception:  # whatever went wrong, the answer is that it did not answer
        return jsonify(status="unavailable", database="does not answer"), 503
    return jsonify(status="ok", database="ok")
