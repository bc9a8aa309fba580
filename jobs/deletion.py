"""Deleting a project: everything that waits or is at work is cancelled, everything that runs is
destroyed, then its name is free again. Volumes stay, as with every destroy."""

from __future__ import annotations

import shutil
from contextlib import suppress

from docker.errors import DockerException
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from jobs.context import Context
from jobs.ending import cancel_all
from jobs.models import Environment, Hook, Project, RegistryCredential, Run, Secret, Source, now
from jobs.records import record
from jobs.requests import Doorbell, request_run
from jobs.states import FINAL
from stacks.docker.builds import builder
from stacks.errors import PortwrightError


def request_deletion(session: Session, ring: Doorbell, project: Project, *, by: str) -> list[Run]:
    """Ask for it; returns the Runs that destroy the environments. Asking twice is harmless."""
    if project.deleted_at is None:
        project.deleted_at = now()
        record(session, by, "project.deletion", project.name)
        session.commit()
    asked = []
    for environment in project.environments:
        cancel_all(session, environment, by=by)
        asked.append(request_run(session, ring, environment, "destroy", by=by))
    return asked


def finish_deletion(context: Context) -> bool:
    """After a destroy: once nothing is left, forget secrets, mirror and stacks and free the name.

    Rows of Runs and Events stay, for the audit trail; the caller commits.
    """
    session, project = context.session, context.project
    if project.deleted_at is None:
        return False
    context.engine.remove()
    busy = (
        select(func.count())
        .select_from(Run)
        .join(Environment)
        .where(
            Environment.project_id == project.id,
            Run.state.not_in(FINAL),
            Run.id != context.run.id,
        )
    )
    if session.scalar(busy):
        return False
    for kept in (Secret, Source, RegistryCredential, Hook):
        session.execute(delete(kept).where(kept.project_id == project.id))
    name, project.name = project.name, f"{project.name}~{project.id}"
    record(session, context.run.requested_by, "project.deleted", name)
    home = context.settings.home
    for folder in (
        home / "mirrors" / f"{name}.git",
        home / "stacks" / name,
        home / "snapshots" / name,
    ):
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(DockerException, PortwrightError):  # else the next sweep removes it
        builder.remove(context.docker, context.settings.instance, name)
    context.log(f"{name} is deleted; its volumes stay in Docker")
    return True
