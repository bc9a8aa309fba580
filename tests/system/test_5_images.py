"""Test where images come from: a registry, a mirror of Docker Hub, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from base_images import docker_hub, empty_registry, on_engine
from harness import until

from stacks.docker.images.resolve import Resolver
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


def test_a_registry_image_is_pulled_once_and_is_an_id(
    client: docker.DockerClient, registry: str, image: tuple[str, str]
) -> None:
    name, expected = image
    lines: list[str] = []
    resolver = Resolver(client, "registry")
    found = resolver.resolve(f"{registry}/{name}:1", lines.append)
    assert (found.id, found.ref) == (expected, f"{registry}/{name}:1")
    assert resolver.resolve(f"{registry}/{name}:1", lines.append) == found
    assert lines == [f"pulling {registry}/{name}:1"]


def test_a_mirror_answers_for_a_name_of_docker_hub(
    client: docker.DockerClient, registry: str, image: tuple[str, str]
) -> None:
    name, expected = image
    found = Resolver(client, f"mirror:{registry}").resolve(f"{name}:1", print)
    assert (found.id, found.ref) == (expected, f"{name}:1")


def test_a_mirror_serves_official_names(client: docker.DockerClient) -> None:
    name = f"busybox-{uuid.uuid4().hex[:8]}:stable"
    expected = client.images.get(on_engine("busybox")).id
    with docker_hub({name: "busybox"}) as images:
        found = Resolver(client, images).resolve(name, print)
        client.images.remove(f"{images.removeprefix('mirror:')}/library/{name}")
    assert (found.id, found.ref) == (expected, name)


def test_an_image_that_is_nowhere_is_a_plain_error(
    client: docker.DockerClient, registry: str
) -> None:
    with pytest.raises(PortwrightError) as caught:
        Resolver(client, "registry").resolve(f"{registry}/acme/none:1", print)
    assert f"{registry}/acme/none:1 can't be pulled" in caught.value.message
    assert caught.value.remedy


def test_an_official_name_that_cannot_be_pulled_is_an_error(
    client: docker.DockerClient, registry: str
) -> None:
    """A registry without the image answers for Docker Hub, although the library has a Postgres."""
    on_engine("postgres")
    with pytest.raises(PortwrightError) as caught:
        Resolver(client, f"mirror:{registry}", "127.0.0.1:8703").resolve("postgres:17", print)
    assert f"{registry}/library/postgres:17 can't be pulled" in caught.value.message


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
