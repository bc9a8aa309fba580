"""Failed sign-ins: ten within 15 minutes for an e-mail or an address, then a pause.

An attempt is recorded as failed before its password is looked at, so that many at
once can't slip through. The record is the audit trail, which all processes share.
"""

from __future__ import annotations

from datetime import timedelta

from flask import request
from sqlalchemy import func, or_, select

from jobs.models import Event, User, now
from portal.accounts.passwords import user_with_password
from portal.database import db
from portal.errors import Refused

LIMIT = 10
WINDOW = timedelta(minutes=15)
FAILED, DONE = "sign-in.failed", "sign-in"


def sign_in_with(email: str, password: str) -> User | None:
    """The user whose password this is. Raises 429 after too many failures."""
    email = email.strip().lower()[:254]
    address = request.remote_addr or "unknown"
    attempt = Event(actor=email, action=FAILED, detail={"address": address})
    db.session.add(attempt)
    db.session.commit()
    if failures(email, address) > LIMIT:
        db.session.delete(attempt)
        db.session.commit()
        raise Refused(
            429,
            "Too many failed sign-ins.",
            "Wait 15 minutes, then try again. Nothing about your account has changed.",
        )
    user = user_with_password(email, password)
    if user:
        attempt.action = DONE
        db.session.commit()
    return user


def failures(email: str, address: str) -> int:
    """How many attempts failed lately for this e-mail or from this address, the larger of both."""
    same_email = Event.actor == email
    same_address = Event.detail["address"].as_string() == address
    query = select(
        func.count().filter(same_email),
        func.count().filter(same_address),
    ).where(Event.action == FAILED, Event.at > now() - WINDOW, or_(same_email, same_address))
    by_email, by_address = db.session.execute(query).one()
    return int(max(by_email, by_address))
