"""The one resolver: an image's name becomes the engine's ID, so that a plan never moves by itself."""

from __future__ import annotations

from collections.abc import Callable

import docker
from docker.errors import APIError, DockerException

from stacks.docker.images.engine import find_image, has_check
from stacks.docker.images.sources import source_of
from stacks.errors import PortwrightError
from stacks.spec import BuiltImage

Say = Callable[[str], None]


class Resolver:
    """Find or fetch images by one policy.

    images: PORTWRIGHT_IMAGES. library: HOST:PORT of the registry with the images
    `portwright/NAME`, empty if there is none. address: of the client's engine, empty for this
    machine's. An image that is on the host already is used: a moved tag is only fetched with
    `refresh=True`.
    """

    def __init__(
        self, client: docker.DockerClient, images: str, library: str = "", address: str = ""
    ) -> None:
        self.client = client
        self.images = images
        self.library = library
        self.address = address

    def resolve(self, reference: str, say: Say, *, refresh: bool = False) -> BuiltImage:
        """Return the image of that name; raises PortwrightError if it cannot be pulled."""
        name = with_tag(reference)
        image = None if refresh else find_image(self.client, self.source_name(name))
        if image is not None:
            return self.found(str(image.id), name)
        return self.found(self.pull(self.source_name(name), say), name)

    def found(self, image_id: str, name: str) -> BuiltImage:
        image = find_image(self.client, image_id)
        return BuiltImage(image_id, name, check=image is not None and has_check(image))

    def source_name(self, name: str) -> str:
        """Return the name that the engine pulls this image by."""
        return source_of(name, self.images, self.library)

    def pull(self, name: str, say: Say) -> str:
        say(f"pulling {name}")
        try:
            repository, separator, digest = name.partition("@")
            if not separator:
                repository, _, digest = name.rpartition(":")
            return str(self.client.images.pull(repository, tag=digest).id)
        except (APIError, DockerException) as error:
            reason = getattr(error, "explanation", None) or str(error)
            raise PortwrightError(
                f"the image {name} can't be pulled: {reason}",
                remedy=remedy_of(name, self.library),
                path="image",
            ) from None


def with_tag(reference: str) -> str:
    """`postgres` means `postgres:latest`; a digest needs no tag."""
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


def remedy_of(name: str, library: str) -> str:
    """Return what to do about an image that cannot be pulled."""
    if library and name.startswith(f"{library}/"):
        return "run `python -m tools.library ensure NAME` on that host; ./quickstart does so for the sample"
    return "correct the name, or set PORTWRIGHT_IMAGES to a mirror of Docker Hub"
