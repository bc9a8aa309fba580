"""POST /hooks/<address>: signed by the hook's secret; answers at once, a worker does the rest."""

from __future__ import annotations

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.deliveries import receive as receive_delivery
from jobs.hooks import signed
from jobs.models import Hook
from portal.context import doorbell, settings
from portal.database import db
from portal.errors import Refused
from portal.hooks import blueprint


@blueprint.post("/hooks/<address>")
def receive(address: str) -> ResponseReturnValue:
    """202 with the runs' ids; 200 where nothing is to be done, or it was sent before."""
    hook = db.session.scalar(select(Hook).where(Hook.address == address))
    if hook is None:
        abort(404)
    body = request.get_data()
    if not signed(db.session, settings().key("vault-key"), hook, request.headers, body):
        raise Refused(
            401,
            f"The signature is not that of this hook's secret, as {hook.scheme} signs.",
            "Give the forge the secret that was shown when the hook was made or last changed.",
        )
    outcome = receive_delivery(db.session, doorbell(), settings(), hook, request.headers, body)
    runs = [run.id for run in outcome.runs]
    told = {"runs": runs, "run": next(iter(runs), None), "repeated": outcome.repeated}
    fresh = bool(runs) and not outcome.repeated
    return jsonify(**told, result=outcome.words), 202 if fresh else 200
