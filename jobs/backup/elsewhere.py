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
from jobs.backup.lacking import in_words, lacking, within
from jobs.backup.pausing import left_standing, paused, wake
from jobs.backup.volumes import volumes_of
from jobs.hosts.reach import connect_to
from jobs.hosts.registry import named, placed
from jobs.models import Environment, Host, Project
from jobs.queries import place_of, release_numbered
from jobs.settings import Settings
from stacks.errors import PortwrightError

# Docker's own rule for a name, which becomes a file's here: another machine told it.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}")
LONGEST_S = 6 * 3600.0  # for one host: one that trickles must not hold up all that is to be saved
MOST = 100  # volumes of a host that fail before it is given up


def save(
    session: Session, settings: Settings, folder: Path
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Every other host's volumes into folder/HOST/NAME.tar. Returns what volumes.save_volume says of
    each, with its "host", and what could not be had (see lacking.py)."""
    saved: list[dict[str, Any]] = []
    missing: list[dict[str, str]] = []
    for name in hosts(session):
        with (
            lacking(missing, name),
            within(LONGEST_S),
            connected(session, settings, name) as client,
        ):
            release(client, settings, name)
            if archive.maps_users(client):
                raise PortwrightError(
                    "its engine maps user ids, and takes back no archive with owners that it made",
                    remedy="back them up there by other means, or turn userns-remap off there",
                    path="volumes",
                )
            (folder / name).mkdir()
            calm = partial(while_nothing_applies, session, host=named(session, name).id)
            there, gone = calm(partial(look, session, settings, client, name))
            for volume in there:
                if len([each for each in missing if each["host"] == name]) > MOST:
                    raise PortwrightError(
                        f"{MOST} of them failed, and no more were tried",
                        remedy=f"see what runs on {name}",
                        path="volumes",
                    )
                with lacking(missing, name, str(volume.name)):
                    work = partial(save_volume, client, settings, name, volume, folder / name)
                    saved += calm(work)
            for volume in gone:
                with lacking(missing, name, volume):
                    raise PortwrightError(
                        "it is not there any more, and what is deployed has it",
                        remedy=f"portwright-admin backup fill-host {name} brings back what a backup "
                        "holds; where it may go, deploy again",
                        path="volumes",
                    )
    return saved, missing


def hosts(session: Session) -> list[str]:
    """Names of those that may have volumes; also one whose new key nobody has confirmed yet."""
    found = session.scalars(select(Host).where(Host.address.is_not(None)).order_by(Host.name))
    return [host.name for host in found if host.known_hosts or placed(session, host)]


def look(
    session: Session, settings: Settings, client: docker.DockerClient, host: str
) -> tuple[list[Volume], list[str]]:
    """The volumes there, and the names of those that a release which serves has and that are not:
    an engine that lost its data has nothing to save, which is no whole backup."""
    there = volumes_of(client, settings)
    wanted = set()
    standing = select(Environment).join(Project).join(Host)
    standing = standing.where(Host.name == host, Project.deleted_at.is_(None))
    for environment in session.scalars(standing).all():
        serving = release_numbered(session, environment, environment.release)
        place = place_of(settings, environment)
        for name, service in ((serving.spec.get("services") or {}) if serving else {}).items():
            wanted |= {place.volume(f"{name}_{key}") for key in service.get("volumes") or ()}
    return there, sorted(wanted - {str(each.name) for each in there})


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
