"""Containers stand still while a volume that they have is copied, so that all its files are of one
moment: what a database finds then is what it finds after a power failure, and it recovers.

Which ones is written down first, for each host by itself, and the note is locked while its writer
lives: who finds one that is not locked lets go on what a backup that is no more left standing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import NotFound

from jobs.settings import Settings


@contextmanager
def paused(
    client: docker.DockerClient, settings: Settings, volume: str, host: str = ""
) -> Iterator[list[str]]:
    """Every container that has the volume stands still; yields their names. host: whose engine
    the client is of; empty for this machine's."""
    filters = {"volume": volume, "status": "running"}
    found = client.containers.list(filters=filters, ignore_removed=True)
    with note_of(settings, host).open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.truncate(0)
        note.write(json.dumps([each.id for each in found]))
        note.flush()
        try:
            for container in found:
                container.pause()
            yield [str(each.name) for each in found]
        finally:
            wake(client, settings, host)


def note_of(settings: Settings, host: str = "") -> Path:
    # Not in the host's own folder, which goes when its key or address changes.
    return settings.home / "run" / (f"paused-{host}.json" if host else "paused.json")


def left_standing(settings: Settings, host: str = "") -> bool:
    """Whether a backup that is no more, or that lost its way there, has paused containers."""
    try:
        with note_of(settings, host).open() as note:
            fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def wake(client: docker.DockerClient, settings: Settings, host: str = "") -> None:
    """Let go on what a backup has paused."""
    note = note_of(settings, host)
    if not note.exists():
        return
    for container_id in json.loads(note.read_text() or "[]"):
        with contextlib.suppress(NotFound):
            container = client.containers.get(container_id)
            if container.status == "paused":
                container.unpause()
    note.unlink(missing_ok=True)
