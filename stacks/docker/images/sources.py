"""Where an image name is pulled from: the registry that it names, a mirror of Docker Hub, or this host's library."""

from __future__ import annotations

DOCKER_HUB = ("docker.io", "index.docker.io")
MIRROR = "mirror:"
LIBRARY_OWNER = "portwright"


def source_of(reference: str, images: str, library: str) -> str:
    """Return the name that the engine pulls an image by.

    images: PORTWRIGHT_IMAGES (`auto`, `registry` or `mirror:HOST[:PORT][/PREFIX]`). library:
    HOST:PORT of the registry with the images `portwright/NAME`; empty if there is none.
    """
    path = docker_hub_path(reference)
    if path is None:
        return reference
    if library and path.startswith(f"{LIBRARY_OWNER}/"):
        return f"{library}/{path}"
    if images.startswith(MIRROR):
        return f"{images.removeprefix(MIRROR).rstrip('/')}/{path}"
    return reference


def docker_hub_path(reference: str) -> str | None:
    """Return `library/postgres:17` for `postgres:17`; None for a name of another registry."""
    first, slash, rest = reference.partition("/")
    names_host = slash and ("." in first or ":" in first or first == "localhost")
    if names_host and first not in DOCKER_HUB:
        return None
    path = rest if names_host else reference
    return path if "/" in path else f"library/{path}"
