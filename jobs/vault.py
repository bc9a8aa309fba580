"""Secrets' values: opened here for a Run, and nowhere else."""

from __future__ import annotations

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.models import Secret
from stacks.spec import SecretVersion, Spec


def open_secrets(
    session: Session, vault_key: str, project_id: int, *specs: Spec | None
) -> dict[tuple[str, int], str]:
    """(name, version) -> value of each secret that the specs name."""
    wanted = {
        (value.secret, value.version)
        for spec in specs
        if spec
        for service in spec.services.values()
        for value in service.env.values()
        if isinstance(value, SecretVersion)
    }
    vault = Fernet(vault_key)
    rows = session.scalars(select(Secret).where(Secret.project_id == project_id))
    return {
        (row.name, row.version): vault.decrypt(row.sealed).decode()
        for row in rows
        if (row.name, row.version) in wanted
    }
