"""The one resolver: an image's name becomes the engine's ID, so that a plan never moves by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import APIError, DockerException

from stacks.docker.images import local
from stacks.docker.images.engine import find_image, has_check
from stacks.errors import PortwrightError
from stacks.spec import BuiltImage

Say = Callable[[str], None]


class Resolver:
    """Finds or fetches images by one policy.

    source: `registry`, `mirror:HOST[:PORT][/PREFIX]`, `local`, or `auto` (registry,
    then local recipe). An image that is on the host already is taken as it is: a
    moved tag is fetched by `refresh=True` only. address: of the client's engine, empty for this
    machine's.
    """

    def __init__(
        self, client: docker.DockerClient, source: str, cache: Path, address: str = ""
    ) -> None:
        self.client = client
        self.source = source
        self.cache = cache
        self.address = address

    def resolve(self, reference: str, say: Say, *, refresh: bool = False) -> BuiltImage:
        """The image of that name; raises PortwrightError where it can't be had."""
        name = with_tag(reference)
        if not refresh:
            image = find_image(self.client, self.source_name(name))
            if image is not None:
                return self.found(str(image.id), name)
        if self.source == "local":
            return self.found(self.from_recipe(name, say), name)
        try:
            return self.found(self.pull(self.source_name(name), say), name)
        except PortwrightError as error:
            if self.source != "auto" or not local.recipe_for(name):
                raise
            say(f"{error.message}; using the local recipe")
            return self.found(self.from_recipe(name, say), name)

    def found(self, image_id: str, name: str) -> BuiltImage:
        image = find_image(self.client, image_id)
        return BuiltImage(image_id, name, check=image is not None and has_check(image))

    def source_name(self, name: str) -> str:
        """What the name is called where it comes from."""
        if not self.source.startswith("mirror:"):
            return name
        first, _, rest = name.partition("/")
        path = rest if rest and ("." in first or ":" in first) else name
        return f"{self.source.removeprefix('mirror:')}/{path}"

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
                remedy="correct the name, or set PORTWRIGHT_IMAGES to a mirror or to local",
                path="image",
            ) from None

    def from_recipe(self, name: str, say: Say) -> str:
        recipe = local.recipe_for(name)
        if recipe is None:
            raise PortwrightError(
                f"there is no local recipe for {name}",
                remedy="use one of " + ", ".join(sorted(local.TAGS.values())) + ", or a registry",
                path="image",
            )
        return local.make(self.client, self.cache, recipe, say, self.address)


def with_tag(reference: str) -> str:
    """`postgres` means `postgres:latest`; a digest needs no tag."""
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"
