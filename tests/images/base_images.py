"""Images for tests: the library's, and copies of them under names of Docker Hub."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path

import docker

from jobs.settings import Settings
from stacks.docker.images.engine import find_image
from tools.library import registry, service
from tools.library.recipes import RECIPES, Recipe

# The base images of services without a Dockerfile: official name -> image of the library.
OFFICIAL = {
    "python:3.13": "python", "python:3.13-slim": "python",
    "node:24": "node", "node:24-slim": "node", "nginx:1.28-alpine": "nginx",
}  # fmt: skip


@cache
def settings() -> Settings:
    """Settings with a home of this process: a registry that it had to start ends with it."""
    home = Path(tempfile.mkdtemp(prefix="portwright-library-"))
    atexit.register(end, home)
    return Settings.from_environ({**os.environ, "PORTWRIGHT_HOME": str(home)})


def end(home: Path) -> None:
    service.stop(home)
    shutil.rmtree(home)


def serve(*names: str) -> None:
    """Have the library serve these images, as the test runner does before all tests."""
    with closing(docker.DockerClient.from_env(timeout=900)) as client:
        service.ensure(client, settings(), [RECIPES[name] for name in names])


def on_engine(name: str) -> str:
    """Return the name of an image that tests give to the engine directly; the engine has it."""
    serve(name)
    recipe = RECIPES[name]
    with closing(docker.DockerClient.from_env(timeout=900)) as client:
        if find_image(client, recipe.reference) is None:
            address = service.address(settings())
            pulled = client.images.pull(f"{address}/{recipe.repository}", tag=recipe.tag)
            pulled.tag(recipe.repository, recipe.tag)
    return recipe.reference


@contextmanager
def empty_registry(folder: Path) -> Iterator[str]:
    """Give the HOST:PORT of a registry that everybody may push to."""
    address = f"{registry.LOOPBACK}:{registry.free_port()}"
    path = folder / "registry.json"
    path.write_text(registry.config(folder, address, readonly=False))
    with registry.running(path, address):
        yield address


@contextmanager
def docker_hub(copies: Mapping[str, str]) -> Iterator[str]:
    """Serve images of the library under official names; gives a value for PORTWRIGHT_IMAGES.

    copies: such as {"python:3.13-slim": "python"}. Besides loopback, the registry answers at the
    same port of Docker's bridge, where containers reach it as `host-gateway`.
    """
    serve(*sorted(set(copies.values())))
    with tempfile.TemporaryDirectory(prefix="portwright-hub-") as scratch, ExitStack() as stack:
        folder, port = Path(scratch), registry.free_port()
        for official, name in copies.items():
            copy_image(folder, RECIPES[name], f"library/{official}")
        with closing(docker.DockerClient.from_env()) as client:
            bridge = registry.bridge_address(client)
        for reader in registry.readers(folder, port, bridge):
            stack.enter_context(registry.running(Path(reader.argv[-1]), reader.ready))
        yield f"mirror:{registry.LOOPBACK}:{port}"


def copy_image(folder: Path, recipe: Recipe, official: str) -> None:
    """Give a registry's folder an image of the library under another name, with the same blobs."""
    source, target = (
        path / "images/docker/registry/v2"
        for path in (service.library_folder(settings().cache), folder)
    )
    target.mkdir(parents=True, exist_ok=True)
    if not (target / "blobs").exists():
        (target / "blobs").symlink_to(source / "blobs")
    repository, _, tag = official.rpartition(":")
    made = target / "repositories" / repository
    shutil.copytree(source / "repositories" / recipe.repository, made, dirs_exist_ok=True)
    tags = made / "_manifests/tags"
    if tag != recipe.tag:
        shutil.copytree(tags / recipe.tag, tags / tag, dirs_exist_ok=True)
