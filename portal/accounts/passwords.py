"""E-mail addresses and passwords: what is accepted, and how a password is checked."""

from __future__ import annotations

import re
from functools import cache

from sqlalchemy import select
from werkzeug.security import check_password_hash, generate_password_hash

from jobs.models import User
from portal.database import db
from stacks.errors import PortwrightError

EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
SHORTEST, LONGEST = 12, 1024


def check_email(text: str) -> str:
    """The address in lower case; raises PortwrightError where it is none."""
    email = text.strip().lower()
    if len(email) > 254 or not EMAIL.fullmatch(email):
        raise PortwrightError(
            "that is no e-mail address", remedy="write it as name@example.org", path="email"
        )
    return email


def hash_password(text: str) -> str:
    """The scrypt hash; raises PortwrightError where the password is too short."""
    if not SHORTEST <= len(text) <= LONGEST:
        raise PortwrightError(
            f"the password has {len(text)} characters",
            remedy=f"use {SHORTEST} to {LONGEST} characters; a few random words do well",
            path="password",
        )
    return generate_password_hash(text, "scrypt")


def user_with_password(email: str, password: str) -> User | None:
    """The user, None where e-mail or password is wrong. Both take the same time."""
    user = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    known = user.password_hash if user and user.password_hash else nobody()
    right = len(password) <= LONGEST and check_password_hash(known, password)
    return user if right and user and user.password_hash else None


@cache
def nobody() -> str:
    return generate_password_hash("no one has this password", "scrypt")
