"""Where forges tell of a project: an address that nobody can guess, and the secrets that sign.

Two secrets count after a change, so that what the forge sends before it has the new one is
believed; the older one goes after the first delivery that the new one signed.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping

from cryptography.fernet import Fernet
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from forges.registry import forge
from jobs.models import Hook, Project, now
from jobs.records import record
from stacks.errors import PortwrightError

MOST_HOOKS = 10


def create_hook(
    session: Session, vault_key: str, project: Project, scheme: str, *, by: str
) -> tuple[Hook, str]:
    """A hook of the project, and its secret, which is shown this once.

    scheme: the kind of forge, one of forges.registry.FORGES. Raises PortwrightError.
    """
    forge(scheme)
    if len(hooks_of(session, project)) >= MOST_HOOKS:
        raise PortwrightError(
            f"{project.name} has {MOST_HOOKS} hooks, which is the most",
            remedy="delete one that nobody sends to",
            path="hooks",
        )
    secret = random.token_urlsafe(32)
    hook = Hook(
        project=project,
        scheme=scheme,
        address=random.token_urlsafe(24),
        sealed=Fernet(vault_key).encrypt(secret.encode()),
    )
    session.add(hook)
    record(session, by, "hook.created", project.name, scheme=scheme)
    session.commit()
    return hook, secret


def hooks_of(session: Session, project: Project) -> list[Hook]:
    return list(
        session.scalars(select(Hook).where(Hook.project_id == project.id).order_by(Hook.id))
    )


def rotate(session: Session, vault_key: str, hook: Hook, *, by: str) -> str:
    """A new secret, shown this once; the present one counts until the new one is used."""
    secret = random.token_urlsafe(32)
    hook.sealed_before, hook.sealed = hook.sealed, Fernet(vault_key).encrypt(secret.encode())
    hook.rotated_at = now()
    record(session, by, "hook.rotated", hook.project.name, hook=hook.id)
    session.commit()
    return secret


def delete_hook(session: Session, hook: Hook, *, by: str) -> None:
    """What is sent to it after this is refused; its deliveries go with it."""
    record(session, by, "hook.deleted", hook.project.name, hook=hook.id)
    session.delete(hook)
    session.commit()


def signed(
    session: Session, vault_key: str, hook: Hook, headers: Mapping[str, str], body: bytes
) -> bool:
    """Whether the raw body is from who knows the hook's secret. Once the new one of two has
    signed, the older one counts no more (the caller commits that)."""
    vault = Fernet(vault_key)
    check = forge(hook.scheme).signed
    if check([vault.decrypt(hook.sealed).decode()], headers, body):
        if hook.sealed_before is not None:
            session.execute(update(Hook).where(Hook.id == hook.id).values(sealed_before=None))
        return True
    before = hook.sealed_before
    return before is not None and check([vault.decrypt(before).decode()], headers, body)
