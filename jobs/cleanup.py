"""Old images and logs: what no kept release needs goes, so that disks do not fill."""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta

import docker
from docker.errors import DockerException
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.context import Context
from jobs.image_removal import remove_but
from jobs.models import Environment, Project, Release, Run, now
from jobs.queries import active_runs
from jobs.settings import Settings
from jobs.source import prune
from jobs.states import ACTIVE, FINAL
from stacks.spec import Spec

KEPT_RELEASES = 10
MIRROR_DAYS = 30
NEED_IMAGES = ("plan", "deploy", "rollback", "drift", "reconcile")
log = logging.getLogger(__name__)


def kept_images(session: Session, project: Project, new: Spec | None = None) -> set[str]:
    """IDs of the images of each environment's newest releases, of the one that serves, and
    of the one that is about to."""
    kept = {service.image for service in new.services.values()} if new else set()
    environments = session.scalars(select(Environment).where(Environment.project_id == project.id))
    for environment in environments:
        if environment.kind == "preview" and environment.release is None:
            continue  # it is gone, and never goes back to a release
        newest = (
            select(Release)
            .where(Release.environment_id == environment.id)
            .order_by(Release.number.desc())
        )
        for index, release in enumerate(session.scalars(newest)):
            if index < KEPT_RELEASES or release.number == environment.release:
                spec = Spec.model_validate(release.spec)
                kept |= {service.image for service in spec.services.values()}
    return kept


def prune_images(context: Context, new: Spec | None = None) -> list[str]:
    """Remove this project's built images that no kept release has; returns their tags.

    What a Run that waits for approval has built is made again when it is needed.
    """
    if needed_elsewhere(context):
        return []
    try:
        kept = kept_images(context.session, context.project, new)
        return remove_but(context.docker, context.settings, context.project.name, kept, context.log)
    except DockerException as error:
        context.log(f"old images were not looked for: {error}")
        return []


def needed_elsewhere(context: Context) -> bool:
    """Whether another environment of the project is at work with images that no release has yet.

    Its own end, or the daily look, prunes what is left here.
    """
    others = (
        select(Run.id)
        .join(Environment)
        .where(Environment.project_id == context.project.id, Run.id != context.run.id)
        .where(Run.state.in_(ACTIVE), Run.kind.in_(NEED_IMAGES))
    )
    return context.session.scalar(others.limit(1)) is not None


def prune_all(session: Session, client: docker.DockerClient, settings: Settings) -> list[str]:
    """The same for every project in which nothing is at work, and for those that are deleted.
    Only images that carry our labels are touched; returns their tags."""
    removed: list[str] = []
    projects = {project.name: project for project in session.scalars(select(Project))}
    label = f"portwright.instance={settings.instance}"
    owners = {
        image.labels.get("portwright.project", "")
        for image in client.images.list(filters={"label": label})
    }
    for name in sorted(owners - {""}):
        project = projects.get(name)
        if project and any(active_runs(session, each) for each in project.environments):
            continue
        kept = kept_images(session, project) if project else set()
        removed += remove_but(client, settings, name, kept, log.info)
    return removed


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
