"""API tokens: `pw_` and 32 random bytes. The database holds only their SHA-256."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import select

from jobs.models import ApiToken, User
from jobs.records import record
from portal.database import db

SCHEME = "bearer"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(user: User, label: str) -> str:
    """Make a token for a user. Its text is returned here and never again."""
    token = "pw_" + secrets.token_urlsafe(32)
    db.session.add(ApiToken(user_id=user.id, digest=digest(token), label=label))
    record(db.session, user.email, "token.created", None, label=label)
    db.session.commit()
    return token


def token_of_header(header: str) -> ApiToken | None:
    """The token that an Authorization header carries, None where it is unknown."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != SCHEME or not token.startswith("pw_"):
        return None
    return db.session.scalar(select(ApiToken).where(ApiToken.digest == digest(token.strip())))


def user_of_header(header: str) -> User | None:
    token = token_of_header(header)
    return token.user if token else None


def revoke(token: ApiToken, user: User) -> None:
    record(db.session, user.email, "token.revoked", None, label=token.label)
    db.session.delete(token)
    db.session.commit()
