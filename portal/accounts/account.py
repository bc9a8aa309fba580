"""A person's own page: their API tokens."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from jobs.models import ApiToken
from portal.access import person
from portal.accounts import blueprint
from portal.bearer import new_token, revoke
from portal.database import db


@blueprint.get("/account")
def account(made: str | None = None) -> ResponseReturnValue:
    query = select(ApiToken).where(ApiToken.user_id == person().id).order_by(ApiToken.id.desc())
    return render_template("accounts/account.html", tokens=db.session.scalars(query), made=made)


@blueprint.post("/account/tokens")
def create_token() -> ResponseReturnValue:
    label = request.form.get("label", "").strip()[:100] or "unnamed"
    return account(made=new_token(person(), label))


@blueprint.post("/account/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    token = db.session.get(ApiToken, token_id)
    if token is None or token.user_id != person().id:
        abort(404)
    revoke(token, person())
    flash(f"The token “{token.label}” is revoked.")
    return redirect(url_for("accounts.account"))
