"""Image names, parsed and normalized as Docker does: the one place that knows their grammar.

The grammar is github.com/distribution/reference, with three rules of our own: hosts are lower
case, digests are SHA-256, and a name that looks like an image ID is the name of a repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from stacks.errors import PortwrightError

HUB = "docker.io"
HUB_ALIASES = ("index.docker.io",)
OFFICIAL = "library/"
LATEST = "latest"
LONGEST_NAME = 255
LONGEST_TEXT = 500  # name, tag and digest; what is longer is not worth a regular expression's time
REMEDY = "write name:tag, such as postgres:17 or ghcr.io/owner/app:2"

LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
HOST = rf"{LABEL}(\.{LABEL})*(:[0-9]{{1,5}})?"
COMPONENT = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}"
PATTERN = re.compile(
    rf"((?P<host>{HOST})/)?(?P<path>{COMPONENT}(/{COMPONENT})*)"
    rf"(:(?P<tag>{TAG}))?(@(?P<digest>{DIGEST}))?"
)
# For editors: JSON Schema knows no named groups.
SCHEMA_PATTERN = re.sub(r"\(\?P<\w+>", "(", PATTERN.pattern)
# Without a repository, Docker looks such a text up among the IDs of its images.
BARE_DIGEST = re.compile(r"[A-Za-z0-9]+:[0-9a-f]{32,}")


@dataclass(frozen=True)
class Reference:
    """An image name in full.

    host: of the registry, in lower case, with its port where one is given. path: of the
    repository on it. tag: None only where a digest is given without one.
    """

    host: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse an image name; raises PortwrightError for anything else, and for an image ID."""
        if BARE_DIGEST.fullmatch(text):
            raise refused(f"{text[:80]!r} is an image ID, not an image name")
        found = PATTERN.fullmatch(text) if len(text) <= LONGEST_TEXT else None
        if not found:
            raise refused(f"{text[:80]!r} is not a valid image name")
        host, path = found["host"], found["path"]
        if host is not None and not is_host(host):
            # `owner/app`: what precedes the slash is part of the path.
            host, path = None, f"{host}/{path}"
            if not re.fullmatch(rf"{COMPONENT}(/{COMPONENT})*", path):
                raise refused(f"{text[:80]!r} is not a valid image name")
        host = (host or HUB).lower()
        host = HUB if host in HUB_ALIASES else host
        if host == HUB and "/" not in path:
            path = OFFICIAL + path
        if len(f"{host}/{path}") > LONGEST_NAME:
            raise refused(f"{text[:80]!r} is longer than {LONGEST_NAME} characters")
        if int(host.partition(":")[2] or 1) not in range(1, 65536):
            raise refused(f"{text[:80]!r} has an invalid port")
        tag = found["tag"] or (None if found["digest"] else LATEST)
        return cls(host, path, tag, found["digest"])

    @property
    def repository(self) -> str:
        """The name without tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def canonical(self) -> str:
        """The full name; where there is a digest, the tag means nothing and is left out."""
        return (
            f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"
        )

    @property
    def familiar(self) -> str:
        """The name as people write it: `postgres:17` for `docker.io/library/postgres:17`."""
        name = self.repository
        if self.host == HUB:
            short = self.path.removeprefix(OFFICIAL)
            name = short if "/" not in short else self.path
            if "/" in name and is_host(name.partition("/")[0]):
                name = self.repository
        tag = f":{self.tag}" if self.tag else ""
        return f"{name}{tag}" + (f"@{self.digest}" if self.digest else "")

    def at(self, digest: str) -> Reference:
        """Return the name of one image of this repository, whatever its tags point to."""
        return replace(self, tag=None, digest=digest)


def is_host(first: str) -> bool:
    """Report whether the part of a name before its first slash is a registry's host."""
    return "." in first or ":" in first or first == "localhost"


def refused(message: str) -> PortwrightError:
    return PortwrightError(message, remedy=REMEDY, path="image")
