"""Containers stand still while a volume that they have is copied, so that all its files are of one
moment: what a database finds then is what it finds after a power failure, and it recovers.

Which ones is written down first, for each host by itself, and the note is locked by whoever stops
them or lets them go on. One that is not locked and not empty is of a backup that is no more. Those
that have ended are in it too: a cron job is not started while its volume is copied.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

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
        found = client.containers.list(all=True, filters={"volume": volume}, ignore_removed=True)
        # What somebody else has paused stays so.
        note.write(json.dumps([each.id for each in found if each.status != "paused"]))
        note.flush()
        os.fsync(note.fileno())  # this machine may lose its power, and another go on
        try:
            running = [each for each in found if each.status == "running"]
            for container in running:
                pause(container)
            yield [str(each.name) for each in running]
        finally:
            wake(client, note)


def pause(container: Container) -> None:
    """One that ended by itself meanwhile, as a cron job does, writes nothing either."""
    try:
        container.pause()
    except APIError:
        with contextlib.suppress(NotFound):
            container.reload()
            if container.status == "running":
                raise


def note_of(settings: Settings, host: str = "") -> Path:
    # Not in the host's own folder, which goes when its key or address changes.
    return settings.home / "run" / (f"paused-{host}.json" if host else "paused.json")


def standing(settings: Settings, host: str = "") -> set[str]:
    """Ids of the containers of which a volume is being copied."""
    try:
        return set(json.loads(note_of(settings, host).read_text() or "[]"))
    except (OSError, ValueError):
        return set()


def wake_all(client: docker.DockerClient, settings: Settings) -> None:
    """What a machine paused that is no more, its notes with it."""
    mine = {"status": "paused", "label": f"portwright.instance={settings.instance}"}
    for container in client.containers.list(filters=mine, ignore_removed=True):
        with contextlib.suppress(DockerException):
            container.unpause()


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
    """Let go on what a backup has paused. note: locked by the caller; empty afterwards. One that
    can't go on does not hold up the others; raises DockerException for the last of them."""
    note.seek(0)
    try:
        paused = json.loads(note.read() or "[]")
    except ValueError:  # it did not fit on the disk, and so nothing was paused
        paused = []
    failed = None
    for container_id in paused:
        try:
            container = client.containers.get(container_id)
            if container.status == "paused":
                container.unpause()
        except NotFound:
            continue
        except DockerException as error:
            failed = error
    if failed:
        raise failed
    note.truncate(0)
