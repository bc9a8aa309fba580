"""Names of registries: the one rule for what is a registry's host, and how it is written."""

from __future__ import annotations

import re

from stacks.errors import PortwrightError

DOCKER_HUB = "docker.io"
ALIASES = frozenset({"index.docker.io", "registry-1.docker.io", "hub.docker.com"})
LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"(?=.{{1,253}}(?::|\Z)){LABEL}(\.{LABEL})*(:[1-9][0-9]{{0,4}})?")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
EXAMPLES = "Use a host such as ghcr.io or registry.example.com:5000."


def check_registry_host(text: str, path: str = "host") -> str:
    """Return the registry's host as image names and logins spell it: `host[:port]` in lower case.

    Docker Hub's other names become `docker.io`. The result is safe as a folder name and as a
    part of an image name.

    Raises PortwrightError for anything else, with the right spelling where it can be derived.
    """
    name = text.strip().lower()
    if is_registry_host(name):
        return DOCKER_HUB if name in ALIASES else name
    bare = SCHEME.sub("", name, count=1).partition("/")[0]
    if bare != name and is_registry_host(bare):
        part = "a scheme" if SCHEME.match(name) else "a path"
        correct = DOCKER_HUB if bare in ALIASES else bare
        raise PortwrightError(
            f"a registry is named by its host, without {part}",
            remedy=f"Use {correct}.",
            path=path,
        )
    if re.fullmatch(LABEL, name):
        raise PortwrightError(
            f"{name!r} is not a registry: image names need a dot or a port in its host",
            remedy=f"Add the port ({name}:5000) or use the full name ({name}.example.com).",
            path=path,
        )
    raise PortwrightError(
        f"{text[:100]!r} is not a valid registry host", remedy=EXAMPLES, path=path
    )


def is_registry_host(name: str) -> bool:
    """Whether an image name that starts with this part names a registry by it."""
    if not HOST.fullmatch(name):
        return False
    host, _, port = name.partition(":")
    return int(port or 443) < 65536 and bool(port or "." in host or host == "localhost")


def address_of(host: str) -> tuple[str, int]:
    """Return the name and port that the Docker engine connects to for this registry."""
    name, _, port = host.partition(":")
    return ("registry-1.docker.io" if host == DOCKER_HUB else name), int(port or 443)
