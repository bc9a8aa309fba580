"""Volumes of other hosts out of a backup: of one that was lost for good, once another machine is there
under its name, and of all of them where this machine is restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from sqlalchemy.orm import Session

from jobs.backup import archive, elsewhere
from jobs.backup.lacking import in_words
from jobs.backup.make import alone, scratch
from jobs.backup.manifest import NAME, Manifest, called, parse, tar_of
from jobs.backup.pausing import wake_all
from jobs.backup.restic import Repository, Snapshot, repository
from jobs.backup.verify import check_file
from jobs.hosts.address import remote
from jobs.hosts.registry import at_work, named
from jobs.models import Host
from jobs.records import record
from jobs.settings import Settings
from stacks.errors import PortwrightError

BY = "portwright"
FILLED = "backup.filled"


def refill(
    session: Session, settings: Settings, host: str, *, by: str, snapshot: str | None = None
) -> dict[str, Any]:
    """Fill those of its volumes that are missing there, from the newest backup that holds all of
    them (or the named one); returns what its Event tells: {"host", "snapshot", "made_at",
    "volumes": {name: why it was not filled, empty where it was}}. Raises PortwrightError."""
    found = named(session, host)
    remote(found)
    check_quiet(session, found)
    with alone(settings, "filling a host"), scratch(settings, "filling") as folder:
        of = repository(settings)
        of.unlock()
        chosen, manifest = holding(of, host, snapshot)
        volumes = [each for each in manifest.volumes if each.get("host") == host]
        of.restore(chosen, folder, [tar_of(each) for each in volumes])
        for each in volumes:
            check_file(manifest, folder, tar_of(each))
        check_quiet(session, found)  # it may have waited for hours
        detail = {
            "host": host,
            "snapshot": chosen.id[:8],
            "made_at": manifest.made_at,
            "volumes": fill(session, settings, host, volumes, folder),
        }
    record(session, by, FILLED, None, **detail)
    session.commit()
    return detail


def check_quiet(session: Session, host: Host) -> None:
    """Raises PortwrightError where a deploy might begin an app anew in what is to be filled."""
    session.rollback()
    if at_work(session, host):
        raise PortwrightError(
            f"projects of {host.name} are at work",
            remedy="wait until their runs have ended, or cancel them",
            path="host",
        )


def holding(of: Repository, host: str, wanted: str | None) -> tuple[Snapshot, Manifest]:
    """The newest backup with volumes of the host, and with all of them unless it is named."""
    for each in reversed(of.snapshots()):
        if not each.holds_volumes or not each.id.startswith(wanted or ""):
            continue
        if wanted or host not in each.lacks:
            manifest = parse(of.read(each, NAME))
            if any(volume.get("host") == host for volume in manifest.volumes):
                return each, manifest
    raise PortwrightError(
        f"no backup{f' {wanted}' if wanted else ''} holds volumes of {host}",
        remedy="portwright-admin backup list tells which there are; `lacks-HOST` is said of those "
        "that hold not all, and --snapshot takes one of them",
        path="backup",
    )


def fill(
    session: Session, settings: Settings, host: str, volumes: list[dict[str, Any]], folder: Path
) -> dict[str, str]:
    """Make and fill those that are missing or empty there; name → why it was not filled, empty where
    it was. volumes: of a manifest, all of that host; folder: the backup's.

    One that holds something is never touched. Raises PortwrightError where the host can't be reached.
    """
    found = {}
    with elsewhere.connected(session, settings, host) as client:
        elsewhere.release(client, settings, host)
        wake_all(client, settings)
        for each in volumes:
            try:
                found[each["name"]] = fill_volume(client, settings, each, folder / tar_of(each))
            except Exception as error:  # the others are filled
                found[each["name"]] = f"it could not be filled: {in_words(error, '').message}"
    return found


def fill_volume(
    client: docker.DockerClient, settings: Settings, saved: dict[str, Any], source: Path
) -> str:
    """Why it was not filled; empty where it was."""
    begun = settings.home / "run/filling" / called(saved)  # there while it is only half filled
    name = saved["name"]
    client.volumes.create(name, labels=saved["labels"])
    with archive.door(client, settings, name, write=True) as door:
        if not archive.is_empty(door):
            why = "it holds something already, and was left as it is"
            if begun.exists():
                why = "an earlier try was cut off: it may hold only a part"
            return f"{why}; look at what it holds; docker volume rm {name} there takes it away"
        if in_use(client, name, door):
            # Emptied by what uses it, perhaps: old orders, mails, jobs must not be there again.
            return "it is empty, but a container has it; if it is to be filled, destroy that first"
        begun.parent.mkdir(parents=True, exist_ok=True)
        begun.touch()
        archive.write(door, source)
    begun.unlink()
    return ""


def in_use(client: docker.DockerClient, name: str, door: Container) -> bool:
    """Whether another container has it, at work or not."""
    found = client.api.containers(all=True, filters={"volume": name})
    return any(each["Id"] != door.id for each in found)


def told(host: str, found: dict[str, str]) -> list[str]:
    """What fill found, a line for each volume."""
    return [f"{host}/{name}: {why or 'filled'}" for name, why in found.items()]


def fill_hosts(session: Session, settings: Settings, manifest: Manifest, folder: Path) -> list[str]:
    """The same for all hosts, in words, which are an Event too: they are mostly still there with
    theirs, so that only what is missing there is filled. One that is away stops nothing."""
    lines = []
    for host in sorted({each["host"] for each in manifest.volumes if each.get("host")}):
        there = [each for each in manifest.volumes if each.get("host") == host]
        try:
            lines += told(host, fill(session, settings, host, there, folder))
        except Exception as error:  # whatever one does, the next is filled
            known = in_words(error, f"portwright hosts test {host}")
            lines.append(
                f"{host}: {known.message}; its {len(there)} volumes were not looked at. If they are "
                f"lost there: {known.remedy}; then portwright-admin backup fill-host {host}"
            )
    lines += [each["message"] for each in manifest.missing]
    if lines:
        record(session, BY, FILLED, None, told=lines)
        session.commit()
    return lines
