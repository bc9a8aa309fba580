"""Test where images come from: a registry, a mirror of Docker Hub, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from base_images import docker_hub, empty_registry, on_engine
from harness import until

from stacks.docker.images.resolve import Known, Resolver
from stacks.errors import PortwrightError
from stacks.world import Place, sweep


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Give the HOST:PORT of an empty registry."""
    with empty_registry(tmp_path) as address:
        yield address


@pytest.fixture
def image(client: docker.DockerClient, registry: str) -> Iterator[tuple[str, str]]:
    """(name, ID) of an image that only the registry has."""
    name = f"acme/thing-{uuid.uuid4().hex[:8]}"
    client.api.import_image_from_data(
        b"\0" * 10240,  # an empty tar archive
        repository=f"{registry}/{name}",
        tag="1",
        changes=[f"LABEL unique={name}"],
    )
    built = client.images.get(f"{registry}/{name}:1")
    until(lambda: "errorDetail" not in client.images.push(f"{registry}/{name}", tag="1"))
    client.images.remove(f"{registry}/{name}:1")
    yield name, str(built.id)
    client.images.remove(str(built.id), force=True)


class Records:
    """What registries gave, of one test."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}

    def get(self, name: str) -> Known | None:
        return self.known.get(name)

    def put(self, known: Known) -> None:
        self.known[known.name] = known

    def holds(self, image_id: str) -> bool:
        return any(each.image_id == image_id for each in self.known.values())


def resolver(client: docker.DockerClient, source: str, library: str = "") -> Resolver:
    """Of a project whose operator owns the mirror, so that nothing has to be proven."""
    return Resolver(
        client, source, library, Records(), {}.get, lambda host: None,
        prove=lambda reference, image: None, instance="pw", project="shop",
    )  # fmt: skip


def test_a_mirror_answers_for_a_name_of_docker_hub(
    client: docker.DockerClient, registry: str, image: tuple[str, str]
) -> None:
    name, expected = image
    found = resolver(client, f"mirror:{registry}").resolve(f"{name}:1", print)
    assert (found.id, found.ref) == (expected, f"{name}:1")


def test_a_mirror_serves_official_names(client: docker.DockerClient) -> None:
    name = f"busybox-{uuid.uuid4().hex[:8]}:stable"
    expected = client.images.get(on_engine("busybox")).id
    with docker_hub({name: "busybox"}) as images:
        found = resolver(client, images).resolve(name, print)
        client.images.remove(f"{images.removeprefix('mirror:')}/library/{name}")
    assert (found.id, found.ref) == (expected, name)


def test_an_official_name_that_cannot_be_pulled_is_an_error(
    client: docker.DockerClient, registry: str
) -> None:
    """A registry without the image answers for Docker Hub, although the library has a Postgres."""
    on_engine("postgres")
    with pytest.raises(PortwrightError) as caught:
        resolver(client, f"mirror:{registry}", "127.0.0.1:8703").resolve("postgres:17", print)
    assert f"{registry} has no image" in caught.value.message and caught.value.remedy


def test_a_sweep_takes_only_what_is_ours_and_unknown(client: docker.DockerClient) -> None:
    place = Place(f"t{uuid.uuid4().hex[:8]}", "shop", "production")
    busybox = on_engine("busybox")

    def run(instance: str) -> docker.models.containers.Container:
        labels = {
            "portwright.instance": instance,
            "portwright.project": "shop",
            "portwright.environment": "production",
        }
        return client.containers.create(busybox, "true", labels=labels)

    known, orphan, other = run(place.instance), run(place.instance), run(place.instance + "x")
    try:
        assert sweep(client, place, {known.id}) == [orphan.name]
        left = {c.id for c in client.containers.list(all=True, ignore_removed=True)}
        assert {known.id, other.id} <= left and orphan.id not in left
    finally:
        known.remove()
        other.remove()
