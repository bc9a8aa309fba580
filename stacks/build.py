"""Building a service's image from a checkout. The same source gives the same image, unbuilt."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import docker

from stacks.errors import PortwrightError
from stacks.images.engine import find_image
from stacks.images.resolve import Resolver, with_tag
from stacks.project_file import Build
from stacks.spec import BuiltImage

Say = Callable[[str], None]
FROM = re.compile(
    r"^\s*FROM\s+(?:--platform=\S+\s+)?(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.I | re.M
)
# What the classic builder says between its steps.
NOISE = ("DEPRECATED:", "            ", " --->", "Removing intermediate container")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def build_image(
    client: docker.DockerClient,
    resolver: Resolver,
    checkout: Path,
    tree: str,
    build: Build,
    *,
    name: str,
    labels: Mapping[str, str],
    say: Say,
) -> BuiltImage:
    """The image of a build.

    tree: the git hash of the context folder. name: the repository part of the tag.
    Raises PortwrightError where a path is bad or the build fails; its output went to say.
    """
    context = inside(checkout, build.context, "build.context")
    dockerfile = inside(context, build.dockerfile, "build.dockerfile")
    if not dockerfile.is_file():
        raise PortwrightError(
            f"there is no {build.dockerfile} in {build.context}",
            remedy="commit a Dockerfile there, or correct the path",
            path="build.dockerfile",
        )
    bases = base_images(dockerfile.read_text(errors="replace"), resolver, say)
    key = hashlib.sha256(
        json.dumps([tree, build.model_dump(mode="json"), bases], sort_keys=True).encode()
    ).hexdigest()[:12]
    tag = f"{name}:{key}"
    image = find_image(client, tag)
    if image is None:
        run_build(context, dockerfile, build, tag, labels, say)
        image = find_image(client, tag)
        if image is None:
            raise PortwrightError("the built image is gone", remedy="deploy again", path="build")
    else:
        say(f"{tag} is built already")
    return BuiltImage(str(image.id), tag, tree)


def inside(folder: Path, relative: str, path: str) -> Path:
    """A path that must not lead out of the folder, through links either."""
    found = (folder / relative).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise PortwrightError(
            f"{relative!r} leads out of the repository", remedy="keep it inside", path=path
        )
    if not found.exists():
        raise PortwrightError(
            f"{relative!r} is not in the repository",
            remedy="commit it, or correct the path",
            path=path,
        )
    return found


def base_images(dockerfile: str, resolver: Resolver, say: Say) -> dict[str, str]:
    """Name -> ID of each image that FROM names, fetched where missing. Build args are left to docker."""
    stages: set[str] = set()
    bases = {}
    for found in FROM.finditer(dockerfile):
        image = found["image"]
        if image not in stages and image != "scratch" and "$" not in image:
            bases[image] = resolver.resolve(with_tag(image), say).id
        if found["stage"]:
            stages.add(found["stage"])
    return bases


def run_build(
    context: Path,
    dockerfile: Path,
    build: Build,
    tag: str,
    labels: Mapping[str, str],
    say: Say,
) -> None:
    argv = ["docker", "build", "--force-rm", "--file", str(dockerfile), "--tag", tag]
    for key, value in sorted(labels.items()):
        argv += ["--label", f"{key}={value}"]
    for key, value in sorted(build.args.items()):
        argv += ["--build-arg", f"{key}={value}"]
    process = subprocess.Popen(
        [*argv, str(context)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    last: list[str] = []
    for raw in process.stdout:
        line = ANSI.sub("", raw.decode(errors="replace")).rstrip()
        if line and not line.startswith(NOISE):
            say(line)
            last = [*last[-4:], line]
    if process.wait():
        raise PortwrightError(
            "the build failed: "
            + (last[-1] if last else f"docker ended with {process.returncode}"),
            remedy="read the build's output in the log, correct the Dockerfile or the code, and push",
            path="build",
        )
