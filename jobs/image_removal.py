"""Remove images from an engine, never by force: only Portwright's own, and only unused ones."""

from __future__ import annotations

from collections.abc import Callable, Collection

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.images import Image

from stacks.docker.images.engine import find_image
from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError

Say = Callable[[str], None]


def built_images(
    client: docker.DockerClient, instance: str, project: str, recorded: Collection[str]
) -> list[Image]:
    """Return the images that were built for the project.

    Labels are inherited: what somebody made from an image of ours carries them too, but none of
    our names. Without any name, only a recorded image is ours.
    """
    labels = [f"portwright.instance={instance}", f"portwright.project={project}"]
    found = client.images.list(filters={"label": labels})
    return [
        image
        for image in found
        if (
            all(tag.startswith(f"{instance}/") for tag in image.tags)
            if image.tags
            else image.id in recorded
        )
    ]


def remove_pulled(
    client: docker.DockerClient, image_id: str, repositories: Collection[str], say: Say
) -> bool:
    """Remove a pulled image; False where it stays.

    repositories: that Portwright pulled it from. One that has a name in another repository was
    also pulled, or named, by somebody else.
    """
    image = find_image(client, image_id)
    if image is None:
        return True
    names = [*image.tags, *(image.attrs.get("RepoDigests") or [])]
    if any(repository_of(name) not in repositories for name in names):
        return False
    return remove_image(client, image, say)


def repository_of(name: str) -> str:
    """Return the repository of one of the engine's names; the name itself where it is no such."""
    try:
        return Reference.parse(name).repository
    except PortwrightError:
        return name


def remove_image(client: docker.DockerClient, image: Image, say: Say) -> bool:
    """Remove an image with all its names; False where a container uses it or Docker refuses."""
    try:
        users = client.containers.list(all=True, sparse=True, filters={"ancestor": str(image.id)})
        if users:
            return False
        for tag in image.tags[1:]:
            client.images.remove(tag)
        client.images.remove(str(image.id))
    except ImageNotFound:
        return True
    except DockerException as error:
        say(f"could not remove image {(image.tags or [image.id])[0]}: {error}")
        return False
    return True
