"""Removing a project's images that are not kept: ours only, and nobody's base with them."""

from __future__ import annotations

from collections.abc import Callable

import docker
from docker.errors import DockerException
from docker.models.images import Image

from jobs.building import nobody_builds
from jobs.settings import Settings
from stacks import build_cache
from stacks.build_marks import MARK
from stacks.docker.images.engine import find_image


def remove_but(
    client: docker.DockerClient,
    settings: Settings,
    project: str,
    kept: set[str],
    say: Callable[[str], None],
) -> list[str]:
    """An image that can't be removed stays: the next time tries again. While somebody builds,
    one without a name may be about to get it."""
    labels = [f"portwright.instance={settings.instance}", f"portwright.project={project}"]
    removed: list[str] = []
    parents: list[str] = []
    with nobody_builds(settings) as alone:
        for image in client.images.list(filters={"label": labels}):
            if image.id in kept or not made_by(client, settings.instance, image):
                continue
            if not image.tags and not alone:
                continue
            marked = MARK in image.labels
            try:
                client.images.remove(str(image.id), force=len(image.tags) > 1, noprune=marked)
                removed += image.tags or [str(image.id)]
                parents += [str(image.attrs.get("Parent"))] if marked else []
            except DockerException as error:
                say(f"image {image.tags or image.id} stays: {error}")
        if removed:
            say(f"removed {len(removed)} images that no kept release needs")
        if parents and alone:
            build_cache.prune_under(client, settings.instance, parents, say)
    return removed


def made_by(client: docker.DockerClient, instance: str, image: Image) -> bool:
    """Labels are inherited: what somebody made from an image of ours carries them too, but no
    name of ours; and without a name, it was built on a finished image."""
    if image.tags:
        return all(tag.startswith(f"{instance}/") for tag in image.tags)
    parent = image.attrs.get("Parent")
    below = find_image(client, parent) if parent else None
    if below is None or build_cache.FINISHED not in image.labels:
        return False
    return build_cache.FINISHED not in below.labels
