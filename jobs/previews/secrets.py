"""Which secrets a preview has: never production's, unless somebody said so of one by name.

A preview's own value goes first, then the one kept for all previews, then a shared one. What has
none of these gets a random value of this preview's own: a database and the services that
speak to it agree on it, and nobody else's door opens by it. A fork's preview has random ones only.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable

from sqlalchemy import delete
from sqlalchemy.orm import Session

from jobs.models import Environment, Preview, Secret
from jobs.previews.policy import EVERY_PREVIEW, policy_of
from jobs.queries import own_versions
from jobs.requests import set_secret

BY = "portwright"


def preview_versions(
    session: Session, vault_key: str, preview: Preview, needed: Iterable[str]
) -> dict[str, int]:
    """name → version of each that is needed; those that are missing are made."""
    environment = preview.environment
    found = dict(own_versions(session, preview.project_id, environment.name))
    if not preview.fork:
        shared = own_versions(session, preview.project_id, None)
        allowed = {
            name: shared[name] for name in policy_of(preview.project).share if name in shared
        }
        found = allowed | dict(own_versions(session, preview.project_id, EVERY_PREVIEW)) | found
    versions = {}
    for name in sorted(set(needed)):
        versions[name] = found.get(name) or set_secret(
            session, vault_key, preview.project, name, random.token_urlsafe(24),
            by=BY, environment=environment.name,
        )  # fmt: skip
    return versions


def forget(session: Session, environment: Environment) -> None:
    """Delete what was this environment's own; the caller commits."""
    session.execute(
        delete(Secret).where(
            Secret.project_id == environment.project_id, Secret.environment == environment.name
        )
    )
