"""Old images: what no kept release needs goes, so that disks do not fill."""

from __future__ import annotations

from docker.errors import DockerException
from sqlalchemy import select

from jobs.context import Context
from jobs.models import Environment, Release
from stacks.spec import Spec

KEPT_RELEASES = 10


def kept_images(context: Context, new: Spec) -> set[str]:
    """IDs of the images of each environment's newest releases, of the one that serves, and
    of the one that is about to."""
    kept = {service.image for service in new.services.values()}
    environments = context.session.scalars(
        select(Environment).where(Environment.project_id == context.project.id)
    )
    for environment in environments:
        newest = (
            select(Release)
            .where(Release.environment_id == environment.id)
            .order_by(Release.number.desc())
        )
        for index, release in enumerate(context.session.scalars(newest)):
            if index < KEPT_RELEASES or release.number == environment.release:
                spec = Spec.model_validate(release.spec)
                kept |= {service.image for service in spec.services.values()}
    return kept


def prune_images(context: Context, new: Spec) -> list[str]:
    """Remove this project's built images that no kept release has; returns their tags.

    What a Run that waits for approval has built is made again when it is needed. An image
    that can't be removed stays: the release serves, and the next one tries again.
    """
    labels = [
        f"portwright.instance={context.settings.instance}",
        f"portwright.project={context.project.name}",
    ]
    removed: list[str] = []
    try:
        kept = kept_images(context, new)
        for image in context.docker.images.list(filters={"label": labels}):
            if image.id in kept:
                continue
            try:
                context.docker.images.remove(str(image.id), force=len(image.tags) > 1)
                removed += image.tags or [str(image.id)]
            except DockerException as error:
                context.log(f"image {image.tags or image.id} stays: {error}")
    except DockerException as error:
        context.log(f"old images were not looked for: {error}")
    if removed:
        context.log(f"removed {len(removed)} images that no kept release needs")
    return removed
