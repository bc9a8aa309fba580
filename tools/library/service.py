"""Make, push and serve the library's images, and report which ones are served."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import docker

from jobs.settings import Settings
from provision import daemons
from provision.daemons import DaemonError
from stacks.docker.images.debian import lock
from stacks.errors import PortwrightError
from tools.library import build, registry
from tools.library.recipes import RECIPES, Recipe


def ensure(client: docker.DockerClient, settings: Settings, recipes: Sequence[Recipe]) -> None:
    """Serve the recipes' images: start the registry, make what is missing, and push it.

    Raises PortwrightError.
    """
    folder = library_folder(settings.cache)
    with lock(folder / "start.lock"):
        start(client, settings, folder)
    fill(client, settings.cache, address(settings), recipes)


def fill(
    client: docker.DockerClient, cache: Path, served_at: str, recipes: Sequence[Recipe]
) -> None:
    """Make and push what the cache's registry, which answers at HOST:PORT, does not serve yet.

    Raises PortwrightError, also if that registry serves another folder.
    """
    folder = library_folder(cache)
    with lock(folder / "lock"):
        missing = [each for each in recipes if not is_served(served_at, each)]
        if not missing:
            return
        for recipe in missing:
            build.make(client, cache, recipe, say)
        with registry.writer(folder) as writer:
            for recipe in missing:
                say(f"pushing {recipe.reference} to this machine's library")
                registry.push(client, writer, recipe.reference, recipe.repository, recipe.tag)
        registry.collect_garbage(folder)
    for recipe in missing:
        if not is_served(served_at, recipe):
            raise PortwrightError(
                f"the registry at {served_at} does not serve {recipe.reference}:"
                " it belongs to another cache folder",
                remedy="set PORTWRIGHT_LIBRARY_PORT to another port, or stop that registry",
                path="library",
            )


def start(client: docker.DockerClient, settings: Settings, folder: Path) -> None:
    """Start what does not run of the registry; one that another home started is used."""
    bridge = registry.bridge_address(client)
    for wanted in registry.readers(folder, settings.library_port, bridge):
        record = daemons.running(settings.home, wanted.name)
        if record and record.get("fingerprint") == wanted.fingerprint:
            continue
        daemons.stop(settings.home, wanted.name)
        if registry.is_registry(wanted.ready):
            continue
        say(f"starting the library's registry at {wanted.ready}")
        try:
            daemons.start(settings.home, wanted)
        except (DaemonError, OSError) as error:
            raise PortwrightError(
                str(error),
                remedy="set PORTWRIGHT_LIBRARY_PORT to a free port, and check that the package"
                " docker-registry is installed",
                path="library",
            ) from None


def status(settings: Settings, recipes: Sequence[Recipe]) -> int:
    """Print what is served; 1 if the registry or one of these images is missing."""
    served = registry.is_registry(address(settings))
    print(f"{'registry':<28}{address(settings) if served else 'is not running'}")
    missing = [each for each in recipes if not is_served(address(settings), each)]
    for recipe in recipes or RECIPES.values():
        found = "is served" if is_served(address(settings), recipe) else "is missing or outdated"
        print(f"{recipe.reference:<28}{found}")
    return 0 if served and not missing else 1


def stop(home: Path) -> int:
    """Stop the registry if this home started it; images stay in the cache."""
    for name in registry.NAMES:
        if daemons.stop(home, name):
            print(f"stopped {name}")
    return 0


def is_served(served_at: str, recipe: Recipe) -> bool:
    """Return whether a registry serves the image of this very recipe."""
    return registry.recipe_key(served_at, recipe.repository, recipe.tag) == recipe.key


def address(settings: Settings) -> str:
    return f"{registry.LOOPBACK}:{settings.library_port}"


def library_folder(cache: Path) -> Path:
    """Return the folder of the registry's images and configuration."""
    folder = cache / "library"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def say(line: str) -> None:
    print(line, flush=True)
