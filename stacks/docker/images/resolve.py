"""Resolve an image name to an image that a registry gave to one project.

The engine's images are shared by all projects of a host. A name alone therefore never selects
one: an image is used only where the project's records say that a registry gave it to this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import docker
from docker.errors import DockerException
from docker.models.images import Image

from stacks.docker.images import pull
from stacks.docker.images.engine import find_image, has_check
from stacks.docker.images.login import Login
from stacks.docker.images.reference import HUB, Reference
from stacks.errors import PortwrightError
from stacks.spec import BuiltImage

Say = Callable[[str], None]
Policy = Literal["missing", "always", "daily"]
DAY = timedelta(hours=24)
ATTEMPTS = 2
LIBRARY_OWNER = "portwright"


@dataclass(frozen=True)
class Known:
    """An image that a registry gave to the project.

    name: canonical. image_id: the engine's. digest: the registry's. fetched: the engine did not
    have the image before. source: the repository that it was pulled from.
    """

    name: str
    image_id: str
    digest: str
    checked_at: datetime
    fetched: bool
    source: str


class Records(Protocol):
    """What registries gave to one project on one host."""

    def get(self, name: str) -> Known | None:
        """Return the record of a canonical name."""

    def put(self, known: Known) -> None:
        """Store a record, in place of an earlier one of that name."""

    def holds(self, image_id: str) -> bool:
        """Report whether a registry gave the project that image, under any name."""


class Resolver:
    """Finds or pulls images for one project on one engine; make one per run.

    source: `auto` and `registry` mean the registry in the name, `mirror:HOST[:PORT][/PREFIX]`
    replaces Docker Hub. library: HOST:PORT of the registry with the images `portwright/NAME`, empty
    if there is none. login: gives the project's for a registry host. check_host: raises PortwrightError for a
    registry that this host may not connect to. prove: raises PortwrightError unless the registry
    has the content of an image that the engine had before, given a reference with its digest: the
    engine itself would believe a registry that only names it. instance, project: names under `INSTANCE/` are
    Portwright's own, and only those of this project are resolved. address: of the client's
    engine, empty for this machine's.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        source: str,
        library: str,
        records: Records,
        login: Callable[[str], Login | None],
        check_host: Callable[[str], None],
        address: str = "",
        *,
        prove: Callable[[Reference, Image], None],
        instance: str,
        project: str,
    ) -> None:
        self.client = client
        self.source = source
        self.library = library
        self.records = records
        self.login = login
        self.check_host = check_host
        self.prove = prove
        self.address = address
        self.instance = instance
        self.project = project
        self.checked: dict[str, BuiltImage] = {}

    def resolve(
        self,
        reference: str,
        say: Say,
        policy: Policy = "missing",
        now: datetime | None = None,
    ) -> BuiltImage:
        """Return the image of that name; raises PortwrightError where it cannot be used.

        A registry is asked at most once per name, so that all services of a run get the same image.
        """
        wanted = Reference.parse(reference)
        if wanted.host == HUB and wanted.path.startswith(f"{self.instance}/"):
            return self.own_image(wanted)
        if wanted.canonical in self.checked:
            return self.checked[wanted.canonical]
        at = now or datetime.now(UTC)
        known = self.records.get(wanted.canonical)
        if known is not None and not is_due(known, wanted, policy, at):
            image = find_image(self.client, known.image_id)
            if image is not None:
                self.records.put(known)
                unchecked = () if wanted.digest else (wanted.familiar,)
                return described(image, wanted, known.digest, unchecked)
        found = self.fetch(wanted, say, at)
        self.checked[wanted.canonical] = found
        return found

    def own_image(self, wanted: Reference) -> BuiltImage:
        """Return an image that was built for this project; raises PortwrightError for another's."""
        own = f"{self.instance}/{self.project}/"
        image = find_image(self.client, wanted.canonical) if wanted.path.startswith(own) else None
        if image is None or not self.is_built_here(image):
            raise PortwrightError(
                f"{wanted.familiar} is not an image of this project",
                remedy=f"names under {self.instance}/ belong to Portwright; use `build`, or an "
                "image from a registry",
                path="image",
            )
        return described(image, wanted, None, ())

    def is_built_here(self, image: Image) -> bool:
        labels = image.labels
        owner = (labels.get("portwright.instance"), labels.get("portwright.project"))
        return owner == (self.instance, self.project)

    def fetch(self, wanted: Reference, say: Say, at: datetime) -> BuiltImage:
        """Ask the registry, pull what is missing, and record it.

        Pruning may remove an image between the pull and its record: then it is pulled again.
        """
        for _ in range(ATTEMPTS):
            before = image_ids(self.client)
            source = self.source_name(wanted)
            digest, image = self.pull(wanted, source, say)
            # A mirror and the library are the operator's own. Whether the engine had the image
            # before decides nothing: another project's pull may have ended in between.
            foreign = source.host == wanted.host
            if foreign and not self.records.holds(str(image.id)):
                self.prove(source.at(digest), image)
            self.records.put(
                Known(
                    name=wanted.canonical,
                    image_id=str(image.id),
                    digest=digest,
                    checked_at=at,
                    fetched=image.id not in before,
                    source=source.repository,
                )
            )
            if find_image(self.client, str(image.id)) is not None:
                return described(image, wanted, digest, ())
        raise PortwrightError(
            f"{wanted.familiar} was removed from the host while it was pulled",
            remedy="deploy again",
            path="image",
        )

    def pull(self, wanted: Reference, source: Reference, say: Say) -> tuple[str, Image]:
        """Return the digest that the registry gave, and the engine's image of just that digest.

        The tag may point elsewhere by then: another project's pull may have moved it.
        """
        if source.host == wanted.host:
            self.check_host(source.host)
        say(f"pulling {source.familiar}")
        digest = pull.pull(self.client, source, self.login(source.host), self.project)
        image = find_image(self.client, source.at(digest).canonical)
        if image is None:
            raise PortwrightError(
                f"{wanted.familiar} was removed from the host while it was pulled",
                remedy="deploy again",
                path="image",
            )
        return digest, image

    def source_name(self, wanted: Reference) -> Reference:
        """Return what the image is called at the registry that it is pulled from."""
        if wanted.host != HUB:
            return wanted
        if self.library and wanted.path.startswith(f"{LIBRARY_OWNER}/"):
            return Reference(self.library, wanted.path, wanted.tag, wanted.digest)
        if not self.source.startswith("mirror:"):
            return wanted
        host, _, prefix = self.source.removeprefix("mirror:").partition("/")
        path = f"{prefix.strip('/')}/{wanted.path}" if prefix.strip("/") else wanted.path
        return Reference(host, path, wanted.tag, wanted.digest)


def is_due(known: Known, wanted: Reference, policy: Policy, at: datetime) -> bool:
    """Report whether the registry must be asked again; a digest always means the same image."""
    if wanted.digest is not None:
        return False
    return policy == "always" or (policy == "daily" and is_old(known.checked_at, at))


def is_old(checked_at: datetime, at: datetime | None = None) -> bool:
    """Report whether the policy `daily` asks a registry again."""
    return (at or datetime.now(UTC)) - checked_at >= DAY


def described(
    image: Image, wanted: Reference, digest: str | None, unchecked: tuple[str, ...]
) -> BuiltImage:
    return BuiltImage(
        str(image.id),
        wanted.familiar,
        check=has_check(image),
        digest=digest,
        unchecked=unchecked,
    )


def image_ids(client: docker.DockerClient) -> set[str]:
    """Return the IDs of all images on the engine."""
    try:
        return set(client.api.images(quiet=True, all=True))
    except DockerException:
        raise PortwrightError(
            "the Docker engine did not answer", remedy="check that it is running, then try again"
        ) from None
