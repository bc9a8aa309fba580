"""POST /hooks/<address>: signed by the hook's secret; answers at once, a worker does the rest."""

from __future__ import annotations

from cryptography.fernet import Fernet
from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.hooks import create_hook, signed
from jobs.hooks import receive as receive_delivery
from jobs.models import Hook
from portal.access import get_environment, person
from portal.api import blueprint as api
from portal.context import doorbell, settings
from portal.database import db
from portal.errors import Refused
from portal.hooks import blueprint


@blueprint.post("/hooks/<address>")
def receive(address: str) -> ResponseReturnValue:
    """202 with the run's id; 200 where nothing is to be deployed, or it was sent before."""
    hook = db.session.scalar(select(Hook).where(Hook.address == address))
    if hook is None:
        abort(404)
    body = request.get_data()
    secret = Fernet(settings().key("vault-key")).decrypt(hook.sealed).decode()
    if not signed(secret, request.headers, body):
        raise Refused(
            401,
            "The signature is not that of this hook's secret.",
            "Give the forge the secret that was shown when the hook was made.",
        )
    outcome = receive_delivery(db.session, doorbell(), hook, request.headers, body)
    run = outcome.run.id if outcome.run else None
    fresh = run is not None and not outcome.repeated
    told = {"run": run, "repeated": outcome.repeated, "reason": outcome.reason or None}
    return jsonify(told), 202 if fresh else 200


@api.post("/projects/<name>/hooks")
def new_hook(name: str) -> ResponseReturnValue:
    """A hook of an environment. Its secret is told this once."""
    environment = get_environment(name, "hooks")
    key = settings().key("vault-key")
    hook, secret = create_hook(db.session, key, environment, by=person().email)
    url = f"{settings().portal_url}/hooks/{hook.address}"
    return jsonify(hook={"id": hook.id, "url": url, "secret": secret}), 201
