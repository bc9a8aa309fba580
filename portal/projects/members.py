"""Who is a member of a project. Owners add and remove; the last owner stays."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from jobs.models import Member, Project, User
from jobs.records import record
from portal.access import ROLES, get_project, person
from portal.accounts.invitation import invitation_link
from portal.accounts.passwords import check_email
from portal.database import db
from portal.projects import blueprint
from stacks.errors import PortwrightError


def members_of(project: Project) -> list[tuple[User, str]]:
    """Users with their roles, by e-mail."""
    query = select(User, Member.role).join(Member, Member.user_id == User.id)
    query = query.where(Member.project_id == project.id).order_by(User.email)
    return [(user, role) for user, role in db.session.execute(query)]


@blueprint.post("/projects/<name>/members")
def put_member(name: str) -> ResponseReturnValue:
    """Add a member or change their role. Who is new here gets an account and a link to it."""
    project = get_project(name, "members")
    role = request.form.get("role", "")
    try:
        if role not in ROLES:
            raise PortwrightError(
                f"{role!r} is no role", remedy=f"use one of {', '.join(ROLES)}", path="role"
            )
        email = check_email(request.form.get("email", ""))
        user, link = user_or_invited(email)
        set_role(project, user, role)
    except PortwrightError as error:
        db.session.rollback()
        return again(project, error)
    db.session.commit()
    if link:
        return render_template("projects/invited.html", project=project, user=user, link=link)
    flash(f"{email} is now {role} of {name}.")
    return redirect(url_for("projects.project", name=name, _anchor="members"))


@blueprint.post("/projects/<name>/members/<int:user_id>/remove")
def remove_member(name: str, user_id: int) -> ResponseReturnValue:
    project = get_project(name, "members")
    user = db.session.get(User, user_id)
    member = find_member(project, user) if user else None
    if user is None or member is None:
        abort(404)
    try:
        keep_an_owner(project, user)
    except PortwrightError as error:
        return again(project, error)
    db.session.delete(member)
    record(db.session, person().email, "member.removed", name, email=user.email)
    db.session.flush()
    others = select(func.count()).select_from(Member).where(Member.user_id == user.id)
    if not user.password_hash and not db.session.scalar(others):
        db.session.delete(user)  # invited and never came: the link dies with the account
    db.session.commit()
    flash(f"{user.email} is no member any more.")
    return redirect(url_for("projects.index") if user.id == person().id else page_of(name))


def user_or_invited(email: str) -> tuple[User, str | None]:
    """The user of that e-mail; a new one comes with the link to choose a password."""
    user = db.session.scalar(select(User).where(User.email == email))
    if user:
        return user, None
    user = User(email=email, password_hash="")
    db.session.add(user)
    db.session.flush()
    return user, invitation_link(user)


def set_role(project: Project, user: User, role: str) -> None:
    member = find_member(project, user)
    if member is None:
        db.session.add(Member(project_id=project.id, user_id=user.id, role=role))
    else:
        if role != "owner":
            keep_an_owner(project, user)
        member.role = role
    record(db.session, person().email, "member.set", project.name, email=user.email, role=role)


def find_member(project: Project, user: User) -> Member | None:
    query = select(Member).where(Member.project_id == project.id, Member.user_id == user.id)
    return db.session.scalar(query)


def keep_an_owner(project: Project, user: User) -> None:
    """Raise where this user is the only owner."""
    if [each.id for each, role in members_of(project) if role == "owner"] == [user.id]:
        raise PortwrightError(
            f"{user.email} is the only owner of {project.name}",
            remedy="make somebody else an owner first",
            path="role",
        )


def page_of(name: str) -> str:
    return url_for("projects.project", name=name, _anchor="members")


def again(project: Project, error: PortwrightError) -> ResponseReturnValue:
    flash(f"{error.message}: {error.remedy}.", "error")
    return redirect(page_of(project.name))
