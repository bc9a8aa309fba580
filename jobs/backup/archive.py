"""A volume's files through Docker's API, for an engine that is on another machine: a container that
is made and never started has the volume, and hands its files out, or takes them, as a tar stream.

It needs nobody's image: an empty one is imported, and removed again. What the API keeps: names,
contents, owners, modes, times to the second, symlinks, hard links, devices and file capabilities.
Not: other extended attributes, ACLs, holes (they come back as zeros) and sockets.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from jobs.settings import Settings
from stacks.errors import PortwrightError

PLACE = "data"  # where the volume is in the container, and so each name's beginning in the tar
DOOR = "portwright.door"
NOTHING = bytes(1024)  # as a tar: two empty blocks
CHUNK = 1024**2
LONGEST_END = 10_240  # GNU tar fills up its last record
LONGEST_HEADER = 1024**2


@contextmanager
def door(
    client: docker.DockerClient, settings: Settings, volume: str, *, write: bool = False
) -> Iterator[Container]:
    """A container that has the volume and does nothing."""
    sweep(client, settings)
    try:
        labels = [f"LABEL {name}={settings.instance}" for name in (DOOR, "portwright.instance")]
        said = client.api.import_image_from_data(NOTHING, changes=labels)
        # The container inherits the image's labels. nocopy: the volume is left as it is.
        yield client.containers.create(
            json.loads(said.strip().splitlines()[-1])["status"], ["-"], network_mode="none",
            volumes={volume: {"bind": f"/{PLACE}", "mode": "rw,nocopy" if write else "ro,nocopy"}},
        )  # fmt: skip
    finally:
        sweep(client, settings)


def sweep(client: docker.DockerClient, settings: Settings) -> None:
    """Remove doors and their images, also what a killed backup has left."""
    mine = {"label": f"{DOOR}={settings.instance}"}
    for container in client.api.containers(all=True, filters=mine):
        with contextlib.suppress(NotFound):
            client.api.remove_container(container["Id"], force=True)
    for image in client.api.images(all=True, filters=mine):
        with contextlib.suppress(NotFound):
            client.api.remove_image(image["Id"], force=True)


@contextmanager
def stream(through: Container) -> Iterator[Iterator[bytes]]:
    """The tar, piece by piece. docker-py's own get_archive would wait for ever where the engine
    says nothing more."""
    api = through.client.api
    with api.get(
        f"{api.base_url}/v{api.api_version}/containers/{through.id}/archive",
        params={"path": f"/{PLACE}"}, headers={"Accept-Encoding": "identity"},
        stream=True, timeout=api.timeout,
    ) as answer:  # fmt: skip
        answer.raise_for_status()
        yield answer.iter_content(CHUNK)


def read(through: Container, target: Path, least_free: int) -> None:
    """All files into a tar file. Raises PortwrightError where its disk would have less than
    least_free bytes left; what engine and connection raise, as it is. check_whole comes after."""
    with target.open("wb") as file, stream(through) as pieces:
        for piece in pieces:
            if shutil.disk_usage(target.parent).free < least_free + len(piece):
                raise PortwrightError(
                    f"{target.parent} has no room for it",
                    remedy="make room on this machine, or back up without volumes",
                    path="volumes",
                )
            file.write(piece)


class Headers(io.FileIO):
    """A tar of which tarfile reads no more into memory than a file's header may need: one may say
    of itself that it has gigabytes."""

    left = LONGEST_HEADER

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= self.left + 1 if size is None or size < 0 else size
        if self.left < 0:
            raise ValueError("a header is too long")
        return super().read(size)


def check_whole(path: Path) -> None:
    """Raises PortwrightError for a tar that was cut short: the engine can tell of a failure on the
    way only by what it sends then, which is the archive's end no more."""
    first, problem, at = None, "", 0
    try:
        with Headers(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            first = archive.next()
            while archive.next() is not None and archive.offset > at:  # forged sizes lead back
                at, file.left = archive.offset, LONGEST_HEADER
                # It would keep them all.
                archive.members, archive.pax_headers = [], {}  # type: ignore[attr-defined]
            end = path.stat().st_size - archive.offset
            file.left = LONGEST_END
            file.seek(max(archive.offset, 0))
            ended = len(NOTHING) <= end <= LONGEST_END and not any(file.read(end))
        if not ended:
            problem = "it has no end"
        elif first is None or (first.name, first.isdir()) != (PLACE, True):
            problem = "it does not begin with the volume's folder"
    except (tarfile.TarError, ValueError, OverflowError) as error:
        problem = str(error)
    if problem:
        raise PortwrightError(
            f"the engine did not send all of it ({problem})",
            remedy="back up again; where that fails too, see there what Docker says: "
            "journalctl -u docker",
            path="volumes",
        )


def is_empty(through: Container) -> bool:
    """Whether the volume holds nothing."""
    head = b""
    with stream(through) as pieces:
        for piece in pieces:
            head += piece
            if len(head) > LONGEST_END:
                return False
    with tarfile.open(fileobj=io.BytesIO(head), mode="r:") as archive:
        return head.endswith(NOTHING) and len(archive.getnames()) == 1


def write(through: Container, source: Path) -> None:
    """All files of the tar into the volume."""
    with source.open("rb") as file:
        through.put_archive("/", file)


def maps_users(client: docker.DockerClient) -> bool:
    """Whether the engine gives containers other user ids than the host's: its archives then hold
    the host's, and it refuses to take them back (github.com/moby/moby/issues/43698)."""
    said: dict[str, Any] = client.info()
    return any("name=userns" in each for each in said.get("SecurityOptions") or [])
