"""The first owner of a host, made once with the token that the provisioner left in keys/."""

from __future__ import annotations

import contextlib
import hmac

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, text

from jobs.models import Member, Project, User
from jobs.records import record
from portal.accounts import blueprint
from portal.accounts.passwords import check_email, hash_password
from portal.accounts.sign_in import start_session
from portal.context import settings
from portal.database import db
from portal.errors import Refused
from stacks.errors import PortwrightError

KEY = "setup-token"


@blueprint.route("/setup", methods=["GET", "POST"], endpoint="setup")
def setup() -> ResponseReturnValue:
    token = request.values.get("token", "")
    refuse_when_owned()
    check_token(token)
    if request.method == "GET":
        return render_template("accounts/setup.html", token=token)
    try:
        email = check_email(request.form.get("email", ""))
        hashed = hash_password(request.form.get("password", ""))
    except PortwrightError as error:
        return render_template("accounts/setup.html", token=token, error=error), 422
    start_session(create_owner(email, hashed))
    with contextlib.suppress(OSError):
        (settings().home / "keys" / KEY).unlink()
    flash("Welcome. This host is yours now.")
    return redirect(url_for("projects.index"))


def create_owner(email: str, hashed: str) -> User:
    """Make the first user, owner of every project there is; raises 410 for a second."""
    lock_users()
    refuse_when_owned()
    user = User(email=email, password_hash=hashed, host_owner=True)
    db.session.add(user)
    db.session.flush()
    for project in db.session.scalars(select(Project)):
        db.session.add(Member(project_id=project.id, user_id=user.id, role="owner"))
    record(db.session, email, "host.owned", None)
    db.session.commit()
    return user


def lock_users() -> None:
    """Begin a transaction in which nobody else can add a user."""
    db.session.rollback()
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text("BEGIN IMMEDIATE"))
    else:
        db.session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))


def refuse_when_owned() -> None:
    if db.session.scalar(select(func.count()).select_from(User)):
        db.session.rollback()
        raise Refused(410, "This host has an owner already.", "Sign in, or ask them to invite you.")


def check_token(given: str) -> None:
    try:
        token = settings().key(KEY)
    except PortwrightError:
        token = ""
    if not token or not hmac.compare_digest(token.encode(), given.encode()):
        raise Refused(
            403,
            "This setup link is not right.",
            "Open the whole link that ./quickstart printed; running it again prints it again.",
        )
