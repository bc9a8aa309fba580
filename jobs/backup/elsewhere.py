"""Volumes of projects that are placed on other hosts, saved through the hosts' engines. A host that is
away, or sends nonsense, spoils nobody else's backup; what is not in it is told."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.volumes import Volume
from requests.exceptions import RequestException
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.backup import archive
from jobs.backup.calm import while_nothing_applies
from jobs.backup.pausing import left_standing, paused, wake
from jobs.backup.volumes import volumes_of
from jobs.hosts.reach import connect_to
from jobs.hosts.registry import named, placed
from jobs.models import Host
from jobs.settings import Settings
from stacks.errors import PortwrightError

# Docker's own rule for a name, which becomes a file's here: another machine told it.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}")


def save(
    session: Session, settings: Settings, folder: Path
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Every other host's volumes into folder/HOST/NAME.tar. Returns what volumes.save_volume says of
    each, with its "host", and what could not be had (see lacking)."""
    saved: list[dict[str, Any]] = []
    missing: list[dict[str, str]] = []
    for name in hosts(session):
        with lacking(missing, name), connected(session, settings, name) as client:
            release(client, settings, name)
            if archive.maps_users(client):
                raise PortwrightError(
                    "its engine maps user ids, and takes back no archive with owners that it made",
                    remedy="back them up there by other means, or turn userns-remap off there",
                    path="volumes",
                )
            (folder / name).mkdir()
            for volume in volumes_of(client, settings):
                with lacking(missing, name, str(volume.name)):
                    work = partial(save_volume, client, settings, name, volume, folder / name)
                    saved += while_nothing_applies(session, work)
    return saved, missing


def hosts(session: Session) -> list[str]:
    """Names of those that may have volumes; also one whose new key nobody has confirmed yet."""
    found = session.scalars(select(Host).where(Host.address.is_not(None)).order_by(Host.name))
    return [host.name for host in found if host.known_hosts or placed(session, host)]


@contextmanager
def lacking(missing: list[dict[str, str]], host: str, volume: str = "") -> Iterator[None]:
    """What fails is added to missing, and goes no further: {"host", "volume" (empty: all of it),
    "message", "remedy"}."""
    try:
        yield
    except Exception as error:  # whatever another machine does must not end this one's backup
        known = in_words(error, f"portwright hosts test {host}; then back up again")
        what = f"the volume {volume[:80]!r}" if volume else "the volumes"
        missing.append({
            "host": host,
            "volume": volume[:200],
            "message": f"{what} of host {host}: not in the backup: {known.message}",
            "remedy": known.remedy,
        })  # fmt: skip


def in_words(error: Exception, remedy: str) -> PortwrightError:
    if isinstance(error, PortwrightError):
        return error
    return PortwrightError(
        f"{type(error).__name__}: {str(error)[:300]}", remedy=remedy, path="volumes"
    )


@contextmanager
def connected(session: Session, settings: Settings, host: str) -> Iterator[docker.DockerClient]:
    """A client of its engine. Raises PortwrightError where it can't be reached, or not any more."""
    client = connect_to(settings, named(session, host))
    session.rollback()  # nothing of the database is held while files are on their way
    try:
        yield client
    except (DockerException, RequestException) as error:
        raise in_words(error, f"portwright hosts test {host}; then try again") from error
    finally:
        client.close()


def release(client: docker.DockerClient, settings: Settings, host: str) -> None:
    """What a backup that is no more has left there goes on, or goes."""
    with left_standing(settings, host) as note:
        if note is not None:
            wake(client, note)
            archive.sweep(client, settings)


def save_volume(
    client: docker.DockerClient, settings: Settings, host: str, volume: Volume, folder: Path
) -> list[dict[str, Any]]:
    """One volume into a tar file of the folder; nothing is left of it where it can't be had whole.
    Empty where a deploy has removed it meanwhile."""
    name = str(volume.name)
    if name not in [each.name for each in volumes_of(client, settings)]:
        return []  # a container that asks for it would make it anew
    if not NAME.fullmatch(name):
        raise PortwrightError(
            "that is no name of a volume", remedy=f"see what runs on {host}", path="volumes"
        )
    target = folder / f"{name}.tar"
    try:
        with paused(client, settings, name, host) as names:
            began = time.monotonic()
            with archive.door(client, settings, name) as door:
                archive.read(door, target, settings.min_disk_mb * 1024**2)
            seconds = round(time.monotonic() - began, 2)
        archive.check_whole(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    labels = volume.attrs.get("Labels") or {}
    made = {
        "name": name,
        "host": host,
        "labels": {str(key): str(value) for key, value in labels.items()},
        "bytes": target.stat().st_size,
        "paused": names,
        "paused_s": seconds if names else 0.0,
    }
    return [made]
