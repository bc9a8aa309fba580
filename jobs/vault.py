"""Secrets' values: opened here for a Run, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.models import Environment, Project, Secret
from jobs.queries import secret_versions
from stacks.errors import PortwrightError
from stacks.spec import Spec, all_secrets


def open_secrets(
    session: Session, vault_key: str, project_id: int, *specs: Spec | None
) -> dict[tuple[str, int], str]:
    """(name, version) -> value of each secret that the specs name."""
    wanted = all_secrets(*specs)
    vault = Fernet(vault_key)
    rows = session.scalars(select(Secret).where(Secret.project_id == project_id))
    return {
        (row.name, row.version): vault.decrypt(row.sealed).decode()
        for row in rows
        if (row.name, row.version) in wanted
    }


def open_newest(
    session: Session, vault_key: str, environment: Environment, name: str
) -> tuple[int, str]:
    """(version, value) of a secret as an environment has it; raises PortwrightError where it is not set."""
    project = environment.project
    version = secret_versions(session, project, environment.name).get(name)
    return open_version(session, vault_key, project, name, version)


def open_version(
    session: Session, vault_key: str, project: Project, name: str, version: int | None
) -> tuple[int, str]:
    """(version, value) of a secret; raises PortwrightError where there is no such version."""
    row = session.scalar(
        select(Secret).where(
            Secret.project_id == project.id, Secret.name == name, Secret.version == version
        )
    )
    if row is None:
        raise PortwrightError(
            f"the secret {name!r} is not set",
            remedy=f"portwright secrets set {project.name} {name}",
            path="build.secrets",
        )
    return row.version, Fernet(vault_key).decrypt(row.sealed).decode()


def open_all(rows: Iterable[Secret], vault_key: str) -> list[str]:
    """The values of these rows, to be hidden."""
    vault = Fernet(vault_key)
    return [vault.decrypt(row.sealed).decode() for row in rows]
