"""Signing in and out with a browser session."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy import func, select

from jobs.models import User
from portal.accounts import blueprint
from portal.accounts.throttle import sign_in_with
from portal.database import db
from portal.security import is_local

manager = LoginManager()
manager.session_protection = "strong"


class SignedIn(UserMixin):
    """A user as Flask-Login wants it."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.id = user.id


@manager.user_loader
def load(user_id: str) -> SignedIn | None:
    user = db.session.get(User, int(user_id)) if user_id.isdecimal() else None
    return SignedIn(user) if user else None


def start_session(user: User) -> None:
    login_user(SignedIn(user))


@blueprint.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
def sign_in() -> ResponseReturnValue:
    target = request.values.get("next")
    target = target if target and is_local(target) else url_for("projects.index")
    if request.method == "GET":
        if current_user.is_authenticated:
            return redirect(target)
        new = not db.session.scalar(select(func.count()).select_from(User))
        return render_template("accounts/sign_in.html", next=target, new=new)
    user = sign_in_with(request.form.get("email", ""), request.form.get("password", ""))
    if user:
        start_session(user)
        return redirect(target)
    error = {"message": "E-mail or password is wrong.", "remedy": "Check both and try again."}
    return render_template("accounts/sign_in.html", next=target, error=error), 401


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    logout_user()
    flash("You are signed out.")
    return redirect(url_for("accounts.sign_in"))
