"""The Docker engine, as far as images are concerned."""

from __future__ import annotations

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.images import Image

from stacks.errors import PortwrightError


def connect(address: str = "") -> docker.DockerClient:
    """A client of the engine at that address, or of this machine's; raises PortwrightError where
    none answers."""
    try:
        if address:
            return docker.DockerClient(base_url=address, timeout=120)
        return docker.from_env(timeout=120)
    except DockerException as error:
        raise PortwrightError(
            f"the Docker engine does not answer ({error})",
            remedy="start it (./quickstart does), and see that this user may use its socket",
            path="docker",
        ) from None


def environment(address: str) -> dict[str, str]:
    """What the docker command and the provider are told of an engine; nothing of this machine's."""
    return {"DOCKER_HOST": address} if address else {}


def find_image(client: docker.DockerClient, reference: str) -> Image | None:
    try:
        return client.images.get(reference)
    except ImageNotFound:
        return None


def has_check(image: Image) -> bool:
    """True where the image brings a HEALTHCHECK of its own."""
    test = ((image.attrs.get("Config") or {}).get("Healthcheck") or {}).get("Test") or []
    return bool(test) and test[0] != "NONE"
