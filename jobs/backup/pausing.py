"""Containers stand still while a volume that they have is copied, so that all its files are of one
moment: what a database finds then is what it finds after a power failure, and it recovers.

Which ones is written down first, for each host by itself, and the note is locked by whoever stops
them or lets them go on. One that is not locked and not empty is of a backup that is no more.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import docker
from docker.errors import NotFound

from jobs.settings import Settings


@contextmanager
def paused(
    client: docker.DockerClient, settings: Settings, volume: str, host: str = ""
) -> Iterator[list[str]]:
    """Every container that has the volume stands still; yields their names. host: whose engine
    the client is of; empty for this machine's."""
    with note_of(settings, host).open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        wake(client, note)
        filters = {"volume": volume, "status": "running"}
        found = client.containers.list(filters=filters, ignore_removed=True)
        note.write(json.dumps([each.id for each in found]))
        note.flush()
        try:
            for container in found:
                container.pause()
            yield [str(each.name) for each in found]
        finally:
            wake(client, note)


def note_of(settings: Settings, host: str = "") -> Path:
    # Not in the host's own folder, which goes when its key or address changes.
    return settings.home / "run" / (f"paused-{host}.json" if host else "paused.json")


@contextmanager
def left_standing(settings: Settings, host: str = "") -> Iterator[TextIO | None]:
    """The note of a backup that is no more, or that lost its way there, locked; else None."""
    with contextlib.ExitStack() as stack:
        note = None
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            file = stack.enter_context(note_of(settings, host).open("r+"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            note = file if file.read(1) else None
        yield note


def wake(client: docker.DockerClient, note: TextIO) -> None:
    """Let go on what a backup has paused. note: locked by the caller; empty afterwards."""
    note.seek(0)
    for container_id in json.loads(note.read() or "[]"):
        with contextlib.suppress(NotFound):
            container = client.containers.get(container_id)
            if container.status == "paused":
                container.unpause()
    note.truncate(0)
