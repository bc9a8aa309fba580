"""Invitations: a signed link with which a member who is new here chooses a password, once."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import update

from jobs.models import User
from jobs.records import record
from portal.accounts import blueprint
from portal.accounts.passwords import hash_password
from portal.accounts.sign_in import start_session
from portal.database import db
from portal.errors import Refused
from stacks.errors import PortwrightError

WEEK = 7 * 24 * 3600


def signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt="invitation")


def invitation_link(user: User) -> str:
    """A link that is good for a week, and only until the user has a password."""
    return url_for("accounts.invitation", token=signer().dumps(user.email), _external=True)


@blueprint.route("/invitation", methods=["GET", "POST"], endpoint="invitation")
def invitation() -> ResponseReturnValue:
    token = request.values.get("token", "")
    user = invited(token)
    if request.method == "GET":
        return render_template("accounts/invitation.html", token=token, user=user)
    try:
        hashed = hash_password(request.form.get("password", ""))
    except PortwrightError as error:
        return render_template("accounts/invitation.html", token=token, user=user, error=error), 422
    unused = update(User).where(User.id == user.id, User.password_hash == "")
    if not db.session.execute(unused.values(password_hash=hashed)).rowcount:  # type: ignore[attr-defined]
        raise used_up()
    record(db.session, user.email, "invitation.accepted", None)
    db.session.commit()
    start_session(user)
    flash("Welcome.")
    return redirect(url_for("projects.index"))


def invited(token: str) -> User:
    """The user the link was made for; raises 410 where it can't be used any more."""
    try:
        email = signer().loads(token, max_age=WEEK)
    except BadData:
        raise used_up() from None
    user = db.session.query(User).filter_by(email=email, password_hash="").one_or_none()
    if user is None:
        raise used_up()
    return user


def used_up() -> Refused:
    return Refused(
        410,
        "This invitation is not good any more.",
        "Sign in if you used it already; otherwise ask for a new one.",
    )
