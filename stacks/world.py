"""The live Docker engine, seen through our labels: what runs, why it failed, what is left over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from stacks.compile import SEPARATOR
from stacks.errors import PortwrightError

LAST_LINES = 50
NEXT_END = 3.0  # seconds


@dataclass(frozen=True)
class Place:
    """One environment of one project on this host."""

    instance: str
    project: str
    environment: str

    @property
    def filters(self) -> dict[str, list[str]]:
        return {
            "label": [
                f"portwright.instance={self.instance}",
                f"portwright.project={self.project}",
                f"portwright.environment={self.environment}",
            ]
        }

    def volume(self, name: str) -> str:
        """The Docker name of the volume that a person calls SERVICE_KEY."""
        return SEPARATOR.join([self.instance, self.project, self.environment, name])


@dataclass(frozen=True)
class Casualty:
    """A container that did not get well: what happened, and the last it said."""

    service: str
    name: str
    cause: str
    last_lines: tuple[str, ...]


def containers(client: docker.DockerClient, place: Place) -> list[Container]:
    """All of the environment's containers, stopped ones too."""
    return list(client.containers.list(all=True, filters=place.filters, ignore_removed=True))


def casualties(client: docker.DockerClient, place: Place, generation: int) -> list[Casualty]:
    """Containers of a generation that are not well, to be read before they are removed."""
    found = []
    for container in containers(client, place):
        if container.labels.get("portwright.generation") != str(generation):
            continue
        wait_for_its_end(container)
        cause = ailment(container.attrs)
        if cause:
            service = container.labels.get("portwright.service", "")
            found.append(Casualty(service, container.name or "", cause, last_lines(container)))
    return found


def wait_for_its_end(container: Container) -> None:
    """Of one that is restarted again and again: while it runs, Docker says exit code 0 of it."""
    deadline = time.monotonic() + NEXT_END
    while container.attrs.get("RestartCount") and container.attrs["State"].get("Running"):
        if time.monotonic() > deadline or container.attrs["State"].get("Restarting"):
            return
        time.sleep(0.1)
        try:
            container.reload()
        except NotFound:
            return


def ailment(attrs: dict[str, Any]) -> str:
    """What is wrong with an inspected container in a few words; empty where nothing is."""
    state = attrs["State"]
    if state.get("OOMKilled"):
        return "ran out of memory"
    code = state.get("ExitCode")
    policy = ((attrs.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name")
    if policy in ("no", "") and state.get("Status") == "exited" and not code:
        return ""  # a job that is done
    if attrs.get("RestartCount") or state.get("Status") in ("restarting", "exited", "dead"):
        return f"its process ended with exit code {code}" + (
            f" and was restarted {attrs['RestartCount']} times" if attrs.get("RestartCount") else ""
        )
    health = state.get("Health") or {}
    if health.get("Status") not in (None, "healthy", "none"):
        probes = health.get("Log") or []
        said = (probes[-1].get("Output") or "").strip().splitlines() if probes else []
        return "never became healthy" + (f"; its last check said: {said[-1][:300]}" if said else "")
    return ""


def moment(text: str) -> datetime:
    """Docker's RFC 3339 with nanoseconds; year 1 where it never was."""
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def last_lines(container: Container) -> tuple[str, ...]:
    try:
        text: bytes = container.logs(tail=LAST_LINES)
    except APIError:
        return ()
    return tuple(text.decode(errors="replace").splitlines())


def sweep(client: docker.DockerClient, place: Place, known: set[str]) -> list[str]:
    """Remove the environment's containers that the state does not know; returns their names."""
    removed = []
    for container in containers(client, place):
        if container.id not in known:
            try:
                container.remove(force=True)
                removed.append(container.name or "")
            except NotFound:
                continue
    return removed


def volumes(client: docker.DockerClient, place: Place) -> list[str]:
    return sorted(volume.name for volume in client.volumes.list(filters=place.filters))


def find_volume(client: docker.DockerClient, place: Place, name: str) -> str:
    """The Docker name of a volume of the environment. name: SERVICE_KEY, such as `db_data`.

    Raises PortwrightError where there is none.
    """
    there = volumes(client, place)
    if place.volume(name) not in there:
        known = [volume.removeprefix(place.volume("")) for volume in there]
        raise PortwrightError(
            f"this environment has no volume {name!r}",
            remedy="choose from: " + (", ".join(known) or "none is left"),
            path="volumes",
        )
    return place.volume(name)
