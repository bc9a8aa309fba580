"""Test the library on the real engine: images, registry, and who may write to it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import docker
import httpx
import pytest
from base_images import on_engine, serve

from jobs.settings import Settings
from provision.daemons import running
from stacks.docker.images.engine import find_image
from stacks.errors import PortwrightError
from tools.library import build, registry, service
from tools.library.recipes import RECIPES, Recipe

pytestmark = pytest.mark.system
PROGRAMS = {
    "busybox": ["httpd", "--help"],
    "nginx": ["nginx", "-v"],
    "node": ["node", "--version"],
    "postgres": ["postgres", "--version"],
    "python": ["python", "-c", "import psycopg2, sys; print(sys.version)"],
    "redis": ["redis-server", "--version"],
}


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.DockerClient.from_env(timeout=900)
    yield client
    client.close()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A home, a cache and a port of this test; its registry ends with it."""
    made = Settings(
        home=tmp_path / "home", cache=tmp_path / "cache", library_port=registry.free_port()
    )
    yield made
    service.stop(made.home)


def run(*argv: str) -> str:
    """Return what a container prints that is removed afterwards."""
    done = subprocess.run(["docker", "run", "--rm", *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_program_of_each_image_has_the_version_of_its_tag(name: str) -> None:
    assert RECIPES[name].tag in run("--network", "none", on_engine(name), *PROGRAMS[name])


def test_an_image_that_is_served_is_not_made_again(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve("busybox")
    monkeypatch.setattr(build, "commit", lambda *_: pytest.fail("the image was made again"))
    serve("busybox")


def test_a_changed_recipe_is_made_pushed_and_replaces_the_old_image(
    client: docker.DockerClient, settings: Settings
) -> None:
    """The package is the base's own, so that little is fetched."""
    (settings.cache / "images").mkdir(parents=True)
    shared = Settings.from_environ().cache / "images"
    for path in shared.glob("debian-trixie-*.tar"):
        (settings.cache / "images" / path.name).symlink_to(path)
    first, second = (
        Recipe("test-changed", "1", packages=["ca-certificates"], commands=[f"echo {n} >/number"])
        for n in (1, 2)
    )
    made: list[str] = []
    try:
        for recipe, number in ((first, "1"), (second, "2")):
            service.ensure(client, settings, [recipe])
            assert service.is_served(service.address(settings), recipe)
            assert run(recipe.reference, "cat", "/number") == number
            made.append(client.images.get(recipe.reference).id)
        assert not service.is_served(service.address(settings), first)
        assert find_image(client, made[0]) is None and find_image(client, made[1])
    finally:
        client.images.remove(second.reference, force=True)


def test_the_registry_starts_once_for_several_homes_and_stops_with_its_own(
    client: docker.DockerClient, settings: Settings, tmp_path: Path
) -> None:
    service.ensure(client, settings, [])
    record = running(settings.home, "library")
    other = Settings(
        home=tmp_path / "other", cache=settings.cache, library_port=settings.library_port
    )
    service.ensure(client, other, [])
    assert record and running(settings.home, "library") == record
    assert running(other.home, "library") is None
    service.stop(other.home)
    assert registry.is_registry(service.address(settings))
    service.stop(settings.home)
    assert not registry.is_registry(service.address(settings))


def test_nobody_can_push_to_what_is_served(client: docker.DockerClient, settings: Settings) -> None:
    service.ensure(client, settings, [])
    for address in filter(None, (registry.LOOPBACK, registry.bridge_address(client))):
        url = f"http://{address}:{settings.library_port}/v2/portwright/python"
        with httpx.Client(trust_env=False) as web:
            assert web.post(f"{url}/blobs/uploads/").status_code == 405
            assert web.put(f"{url}/manifests/3.13", content=b"{}").status_code == 405
            assert web.delete(f"{url}/manifests/sha256:{'0' * 64}").status_code == 405
    with registry.writer(service.library_folder(settings.cache)) as writer:
        url = f"http://{writer.address}/v2/portwright/python/blobs/uploads/"
        with httpx.Client(trust_env=False) as web:
            assert web.post(url).status_code == 401
            assert web.post(url, auth=(registry.USER, writer.password)).status_code == 202


def test_a_container_reaches_the_library_through_the_bridge() -> None:
    image = on_engine("busybox")
    port = service.address(Settings.from_environ()).rpartition(":")[2]
    url = f"http://library:{port}/v2/portwright/busybox/tags/list"
    listed = run("--add-host", "library:host-gateway", image, "wget", "-q", "-O-", url)
    assert RECIPES["busybox"].tag in listed


def test_a_port_of_another_program_is_reported(
    client: docker.DockerClient, settings: Settings
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", settings.library_port), BaseHTTPRequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(PortwrightError, match="another process") as caught:
            service.ensure(client, settings, [])
        assert "PORTWRIGHT_LIBRARY_PORT" in caught.value.remedy
    finally:
        server.shutdown()
        server.server_close()


def test_a_failed_package_is_reported_and_leaves_nothing(client: docker.DockerClient) -> None:
    recipe = Recipe("test-missing", "1", packages=["no-such-package-of-debian"])
    with pytest.raises(PortwrightError, match="no-such-package-of-debian") as caught:
        build.make(client, Settings.from_environ().cache, recipe, print)
    assert caught.value.path == "library.test-missing"
    assert find_image(client, recipe.reference) is None
    assert client.containers.list(all=True, filters={"label": f"{build.LABEL}={recipe.key}"}) == []


def test_postgres_starts_with_its_password_keeps_data_and_is_not_root(
    client: docker.DockerClient,
) -> None:
    image = on_engine("postgres")
    volume = client.volumes.create()
    environment = {"POSTGRES_PASSWORD": "it's", "POSTGRES_USER": "app", "POSTGRES_DB": "shop"}

    def start() -> docker.models.containers.Container:
        made = client.containers.run(
            image,
            detach=True,
            environment=environment,
            volumes={volume.name: {"bind": "/var/lib/postgresql/data", "mode": "rw"}},
        )
        deadline = time.monotonic() + 60
        ready = ["pg_isready", "-h", "127.0.0.1", "-U", "app"]
        while made.exec_run(ready).exit_code:
            assert time.monotonic() < deadline, made.logs().decode()
            time.sleep(0.2)
        return made

    def query(server: docker.models.containers.Container, sql: str, password: str = "it's") -> str:
        argv = ["psql", "-h", "127.0.0.1", "-U", "app", "-d", "shop", "-Atc", sql]
        output = server.exec_run(argv, environment={"PGPASSWORD": password}).output
        return str(output.decode().strip())

    server = start()
    try:
        query(server, "CREATE TABLE notes AS SELECT 'kept' AS text")
        assert "password authentication failed" in query(server, "SELECT 1", password="wrong")
        user = server.exec_run(["stat", "-c", "%U", "/proc/1"]).output.decode().strip()
        assert user == "postgres"
        server.stop()
        server.remove(v=True)
        server = start()
        assert query(server, "SELECT text FROM notes") == "kept"
    finally:
        server.remove(force=True, v=True)
        volume.remove()
