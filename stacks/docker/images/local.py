"""Local recipes: Postgres, Python, Redis, Node and nginx from Debian's packages, for hosts without a registry."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker

from stacks.docker.images import base
from stacks.docker.images.engine import environment, find_image
from stacks.errors import PortwrightError

RECIPES = Path(__file__).parent / "recipes"
TAGS = {
    "python": "python:3.11",
    "postgres": "postgres:15",
    "redis": "redis:7",
    "node": "node:18",
    "nginx": "nginx:1.22",
}
LABEL = "portwright.recipe"
Say = Callable[[str], None]


def recipe_for(reference: str) -> str | None:
    """The recipe that makes this image name (`postgres:15` → `postgres`), None where there is none."""
    return next((name for name, tag in TAGS.items() if tag == reference), None)


def recipe_key(name: str) -> str:
    """A hash of the recipe's files and of the base it stands on."""
    digest = hashlib.sha256(base.key().encode())
    for path in sorted((RECIPES / name).iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def present(client: docker.DockerClient, name: str) -> bool:
    image = find_image(client, TAGS[name])
    return image is not None and image.labels.get(LABEL) == recipe_key(name)


def outdated(client: docker.DockerClient, name: str) -> bool:
    """True where the image was made by an earlier recipe; a registry's image never is."""
    image = find_image(client, TAGS[name])
    return image is not None and image.labels.get(LABEL) not in (None, recipe_key(name))


def make(client: docker.DockerClient, cache: Path, name: str, say: Say, address: str = "") -> str:
    """Build a recipe where it is missing; returns its image's ID. address: of the client's engine,
    empty for this machine's."""
    if not present(client, name):
        stand_on_base(client, cache, say, address)
        say(f"building {TAGS[name]} from Debian's packages")
        run(
            "build", "--quiet", "--network", "host",
            "--build-arg", f"BASE={base.TAG}",
            "--label", f"{LABEL}={recipe_key(name)}",
            "--tag", TAGS[name], str(RECIPES / name),
            path=f"images.{name}", address=address,
        )  # fmt: skip
    image = find_image(client, TAGS[name])
    assert image is not None
    return str(image.id)


def stand_on_base(client: docker.DockerClient, cache: Path, say: Say, address: str = "") -> None:
    image = find_image(client, base.TAG)
    if image is not None and image.labels.get(LABEL) == base.key():
        return
    tar = base.archive(cache, say)
    change = f"LABEL {LABEL}={base.key()}"
    run("import", "--change", change, str(tar), base.TAG, path="images.base", address=address)


def run(*argv: str, path: str, address: str = "") -> None:
    env = {**os.environ, **environment(address)}
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, env=env)
    if done.returncode:
        lines = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr or done.stdout).splitlines()
        raise PortwrightError(
            f"docker {argv[0]} failed: " + " | ".join(lines[-5:]),
            remedy="see that the Docker engine runs and that Debian's packages can be reached",
            path=path,
        )
