"""Images from a real registry, from a mirror of one, and from local recipes."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import docker
import pytest
from harness import free_ports, until

from stacks.docker.images import local
from stacks.docker.images.resolve import Resolver
from stacks.errors import PortwrightError
from stacks.world import Place, sweep

CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def client() -> docker.DockerClient:
    return docker.from_env()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """host:port of an empty registry."""
    (port,) = free_ports(1)
    config = tmp_path / "registry.yml"
    config.write_text(CONFIG.format(folder=tmp_path / "blobs", port=port))
    process = subprocess.Popen(["docker-registry", "serve", str(config)])
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture
def image(client: docker.DockerClient, registry: str) -> Iterator[tuple[str, str]]:
    """(name, ID) of an image that only the registry has."""
    name = f"acme/thing-{uuid.uuid4().hex[:8]}"
    built, _ = client.images.build(
        fileobj=BytesIO(b"FROM scratch\nLABEL unique=" + name.encode()),
        tag=f"{registry}/{name}:1",
        rm=True,
        forcerm=True,
    )
    until(lambda: "errorDetail" not in client.images.push(f"{registry}/{name}", tag="1"))
    client.images.remove(f"{registry}/{name}:1")
    yield name, str(built.id)
    client.images.remove(str(built.id), force=True)


def test_a_registry_image_is_pulled_once_and_is_an_id(
    client: docker.DockerClient, registry: str, image: tuple[str, str], tmp_path: Path
) -> None:
    name, expected = image
    lines: list[str] = []
    resolver = Resolver(client, "registry", tmp_path)
    found = resolver.resolve(f"{registry}/{name}:1", lines.append)
    assert (found.id, found.ref) == (expected, f"{registry}/{name}:1")
    assert resolver.resolve(f"{registry}/{name}:1", lines.append) == found
    assert lines == [f"pulling {registry}/{name}:1"]


def test_a_mirror_answers_for_the_plain_name(
    client: docker.DockerClient, registry: str, image: tuple[str, str], tmp_path: Path
) -> None:
    name, expected = image
    found = Resolver(client, f"mirror:{registry}", tmp_path).resolve(f"{name}:1", print)
    assert (found.id, found.ref) == (expected, f"{name}:1")


def test_an_image_that_is_nowhere_is_a_plain_error(
    client: docker.DockerClient, registry: str, tmp_path: Path
) -> None:
    with pytest.raises(PortwrightError) as caught:
        Resolver(client, "registry", tmp_path).resolve(f"{registry}/acme/none:1", print)
    assert f"{registry}/acme/none:1 can't be pulled" in caught.value.message
    assert caught.value.remedy


def test_a_local_recipe_runs(client: docker.DockerClient, tmp_path: Path) -> None:
    """Every recipe is made for real, and its program answers. Others may use them: they stay."""
    cache = Path("~/.cache/portwright").expanduser()
    programs = {
        "python": ["python3", "-c", "import psycopg2, sys; print(sys.version_info[:2])"],
        "postgres": ["postgres", "--version"],
        "redis": ["redis-server", "--version"],
        "node": ["node", "--version"],
        "nginx": ["nginx", "-v"],
    }
    assert programs.keys() == local.TAGS.keys()
    for name, program in programs.items():
        image = local.make(client, cache, name, print)
        run = ["docker", "run", "--rm", "--network", "none", image, *program]
        done = subprocess.run(run, capture_output=True, text=True)
        assert done.returncode == 0, (name, done.stderr)


def test_an_unknown_name_has_no_recipe(client: docker.DockerClient, tmp_path: Path) -> None:
    with pytest.raises(PortwrightError) as caught:
        Resolver(client, "local", tmp_path).resolve("mongo:7", print)
    assert "no local recipe for mongo:7" in caught.value.message
    assert "postgres:15" in caught.value.remedy


def test_a_sweep_takes_only_what_is_ours_and_unknown(client: docker.DockerClient) -> None:
    place = Place(f"t{uuid.uuid4().hex[:8]}", "shop", "production")

    def run(instance: str) -> docker.models.containers.Container:
        labels = {
            "portwright.instance": instance,
            "portwright.project": "shop",
            "portwright.environment": "production",
        }
        return client.containers.create("python:3.11", "true", labels=labels)

    known, orphan, other = run(place.instance), run(place.instance), run(place.instance + "x")
    try:
        assert sweep(client, place, {known.id}) == [orphan.name]
        left = {c.id for c in client.containers.list(all=True, ignore_removed=True)}
        assert {known.id, other.id} <= left and orphan.id not in left
    finally:
        known.remove()
        other.remove()
