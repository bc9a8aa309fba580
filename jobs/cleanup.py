"""Old images and logs: what no kept release needs goes, so that disks do not fill."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import docker
from docker.errors import DockerException
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.context import Context
from jobs.image_removal import built_images, remove_image, remove_pulled
from jobs.models import Environment, Project, Release, Run, now
from jobs.project_images import BUILT, PULLED, forget, rows_on
from jobs.settings import Settings
from jobs.source import prune
from jobs.states import ACTIVE, FINAL
from stacks.docker.images.reference import Reference
from stacks.spec import Spec

KEPT_RELEASES = 10
MIRROR_DAYS = 30
NEED_IMAGES = ("plan", "deploy", "rollback", "drift", "reconcile")
log = logging.getLogger(__name__)


def kept_images(session: Session, project: Project, new: Spec | None = None) -> set[str]:
    """Return the IDs of the images that a project needs: of each environment's newest releases, of
    the live one, of runs that have not ended, and of `new`, which is about to be live."""
    kept = {service.image for service in new.services.values()} if new else set()
    environments = session.scalars(select(Environment).where(Environment.project_id == project.id))
    for environment in environments:
        waiting = select(Run.spec).where(
            Run.environment_id == environment.id, Run.state.not_in(FINAL), Run.spec.is_not(None)
        )
        for spec in session.scalars(waiting):
            kept |= images_in(spec)
        deleted = environment.kind == "preview" or project.deleted_at is not None
        if deleted and environment.release is None:
            continue  # it never returns to a release
        releases = select(Release.spec).where(Release.environment_id == environment.id)
        newest = releases.order_by(Release.number.desc()).limit(KEPT_RELEASES)
        live = releases.where(Release.number == environment.release)
        for spec in [*session.scalars(newest), *session.scalars(live)]:
            kept |= images_in(spec)
    return kept


def images_in(spec: dict[str, Any] | None) -> set[str]:
    """Return the image IDs of a stored Spec."""
    services = ((spec or {}).get("services") or {}).values()
    return {str(service["image"]) for service in services if service.get("image")}


def prune_images(context: Context, new: Spec | None = None) -> list[str]:
    """Remove this project's images that no kept release and no waiting run has; returns their names."""
    if needed_elsewhere(context):
        return []
    session, project = context.session, context.project
    try:
        removed = prune_built(
            session, context.docker, context.settings, project.name, project, context.log, new,
            project.host_id,
        )  # fmt: skip
        removed += prune_pulled(
            session, context.docker, context.log, project.host_id, project=project, new=new,
            run=context.run.id,
        )  # fmt: skip
        return removed
    except DockerException as error:
        context.log(f"old images were not looked for: {error}")
        return []


def needed_elsewhere(context: Context) -> bool:
    """Report whether another environment of the project is at work with images that no release
    has yet. The end of its run, or the daily pruning, removes what is left here."""
    return context.project.id in busy_projects(context.session, context.run.id)


def busy_projects(session: Session, but: int | None = None) -> set[int]:
    """Return the IDs of projects with a run at work that needs images; but: a run that is not counted."""
    query = (
        select(Environment.project_id)
        .join(Run, Run.environment_id == Environment.id)
        .where(Run.state.in_(ACTIVE), Run.kind.in_(NEED_IMAGES))
    )
    return set(session.scalars(query.where(Run.id != but) if but is not None else query))


def prune_built(
    session: Session,
    client: docker.DockerClient,
    settings: Settings,
    name: str,
    project: Project | None,
    say: Callable[[str], None],
    new: Spec | None = None,
    host: int | None = None,
) -> list[str]:
    """Remove images that were built for the project of that name, which may be deleted by now."""
    kept = kept_images(session, project, new) if project else set()
    recorded = {
        row.image_id
        for row in rows_on(session, host, BUILT)
        if project is None or row.project_id == project.id
    }
    there = built_images(client, settings.instance, name, recorded)
    removed: list[str] = []
    for image in there:
        if image.id not in kept and remove_image(client, image, say):
            removed += image.tags or [str(image.id)]
            forget(session, host, str(image.id))
    if removed:
        say(f"removed {len(removed)} images that no kept release needs")
    return removed


def prune_pulled(
    session: Session,
    client: docker.DockerClient,
    say: Callable[[str], None],
    host: int | None,
    *,
    project: Project | None = None,
    new: Spec | None = None,
    run: int | None = None,
) -> list[str]:
    """Remove images that Portwright pulled to that host and that no project on it needs.

    project: only images that it used (default: of all projects). new: a Spec that is about to be
    live. run: the caller's. Returns the names. What an image was pulled by somebody else before,
    or is used by a container, stays; its records are deleted where no project needs it.
    """
    rows = rows_on(session, host, PULLED)
    if project is not None:
        own = kept_images(session, project, new)
        rows = [row for row in rows if row.project_id == project.id and row.image_id not in own]
    if not rows:
        return []
    placed = session.scalars(select(Project).where(Project.host_id.is_not_distinct_from(host)))
    needed = {image for each in placed for image in kept_images(session, each)}
    removed = []
    for image_id in sorted({row.image_id for row in rows} - needed):
        # Read again for each: a run of another project may have begun to use it meanwhile.
        users = rows_on(session, host, PULLED, image_id)
        busy = busy_projects(session, run)
        if not users or any(row.project_id in busy for row in users):
            continue
        names = sorted({Reference.parse(row.name).familiar for row in users})
        if not any(row.fetched for row in users):
            forget(session, host, image_id)
        elif remove_pulled(client, image_id, {row.source for row in users}, say):
            forget(session, host, image_id)
            removed += names
    if removed:
        say(f"removed {len(removed)} pulled images that no kept release needs")
    return removed


def prune_all(
    session: Session, client: docker.DockerClient, settings: Settings, host: int | None = None
) -> list[str]:
    """Remove the images of every project on that host in which nothing is at work, and of those
    that are deleted. Only what Portwright built or pulled is touched; returns the names."""
    removed: list[str] = []
    projects = {project.name: project for project in session.scalars(select(Project))}
    label = f"portwright.instance={settings.instance}"
    owners = {
        image.labels.get("portwright.project", "")
        for image in client.images.list(filters={"label": label})
    }
    for name in sorted(owners - {""}):
        project = projects.get(name)
        if project and project.id in busy_projects(session):
            continue
        removed += prune_built(session, client, settings, name, project, log.info, host=host)
    return removed + prune_pulled(session, client, log.info, host)


def prune_logs(session: Session, settings: Settings) -> list[int]:
    """Delete logs of ended Runs that are too old or too many; returns the Runs' ids."""
    folder = settings.home / "runs"
    there = {int(path.name.split(".")[0]) for path in folder.glob("[0-9]*.log*")}
    oldest = now() - timedelta(days=settings.log_days)
    doomed = []
    for environment in session.scalars(select(Environment)):
        query = select(Run).where(Run.environment_id == environment.id, Run.state.in_(FINAL))
        for index, run in enumerate(session.scalars(query.order_by(Run.id.desc()))):
            late = run.ended_at is not None and run.ended_at < oldest
            if run.id in there and (index >= settings.log_runs or late):
                doomed.append(run.id)
    for run_id in doomed:
        for path in folder.glob(f"{run_id}.log*"):
            path.unlink(missing_ok=True)
    return doomed


def prune_mirrors(session: Session, settings: Settings) -> None:
    """Repack what is kept of repositories; those of projects that are gone go whole."""
    names = {project.name for project in session.scalars(select(Project))}
    for mirror in (settings.home / "mirrors").glob("*.git"):
        if mirror.stem in names:
            prune(mirror, MIRROR_DAYS * 86_400)
        else:
            shutil.rmtree(mirror, ignore_errors=True)
