"""Building a service's image from a checkout. The same source gives the same image, unbuilt."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import docker

from stacks.build_marks import marked
from stacks.docker.builds import detect
from stacks.docker.images.engine import environment, find_image, has_check
from stacks.docker.images.resolve import Resolver, with_tag
from stacks.errors import PortwrightError
from stacks.service_file import Build, Static
from stacks.spec import BuiltImage

Say = Callable[[str], None]
FROM = re.compile(
    r"^\s*FROM\s+(?:--platform=\S+\s+)?(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.I | re.M
)
# What the classic builder says between its steps.
NOISE = ("DEPRECATED:", "            ", " --->", "Removing intermediate container")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Source:
    """What an image is built from.

    checkout: the repository's files; tree: the git hash of the context folder.
    secrets: name of a file under /run/secrets -> (version, value).
    """

    checkout: Path
    tree: str
    secrets: Mapping[str, tuple[int, str]] = field(default_factory=dict)


def build_image(
    client: docker.DockerClient,
    resolver: Resolver,
    source: Source,
    wanted: Build | Static,
    *,
    name: str,
    labels: Mapping[str, str],
    say: Say,
) -> BuiltImage:
    """The image of a build.

    name: the repository part of the tag; its last part is the service.
    Raises PortwrightError where a path is bad or the build fails; its output went to say.
    """
    build = wanted if isinstance(wanted, Build) else Build(context=wanted.folder)
    context = inside(source.checkout, build.context, "build.context")
    text = dockerfile_text(context, wanted, labels["portwright.service"], say)
    bases = base_images(text, resolver, say)
    versions = {key: version for key, (version, _) in source.secrets.items()}
    parts = [source.tree, build.model_dump(mode="json"), bases, text, versions]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    tag = f"{name}:{key}"
    image = find_image(client, tag)
    if image is None:
        run_build(context, text, build, source, tag, labels, say, resolver.address)
        image = find_image(client, tag)
        if image is None:
            raise PortwrightError("the built image is gone", remedy="deploy again", path="build")
    else:
        say(f"{tag} is built already")
    return BuiltImage(str(image.id), tag, source.tree, has_check(image))


def dockerfile_text(context: Path, wanted: Build | Static, service: str, say: Say) -> str:
    """The Dockerfile's text: the folder's own, or one written for what lies there."""
    if isinstance(wanted, Static):
        if wanted.fallback:
            inside(context, wanted.fallback, "static.fallback")
        return detect.static(wanted)
    named = wanted.dockerfile or "Dockerfile"
    if wanted.dockerfile is None and not (context / named).exists():
        text, found = detect.dockerfile_for(context, service)
        say(f"no Dockerfile: building by what {found} says")
        return text
    path = inside(context, named, "build.dockerfile")
    if not path.is_file():
        raise PortwrightError(
            f"there is no {named} in {wanted.context}",
            remedy="commit a Dockerfile there, or correct the path",
            path="build.dockerfile",
        )
    return path.read_text(errors="replace")


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
    text: str,
    build: Build,
    source: Source,
    tag: str,
    labels: Mapping[str, str],
    say: Say,
    address: str = "",
) -> None:
    """`docker build` at that engine (empty: this machine's). Secrets go by files that only this
    user reads, never by argv."""
    with TemporaryDirectory(prefix="portwright-build-") as folder:
        dockerfile = Path(folder) / "Dockerfile"
        dockerfile.write_text(marked(text, labels["portwright.instance"]))
        argv = ["--force-rm", "--file", str(dockerfile), "--tag", tag]
        for key, value in sorted(labels.items()):
            argv += ["--label", f"{key}={value}"]
        for key, value in sorted(build.args.items()):
            argv += ["--build-arg", f"{key}={value}"]
        if build.target:
            argv += ["--target", build.target]
        environ = {**os.environ, **environment(address)}
        command = ["docker", "build"]
        if source.secrets:
            command = [buildkit_docker(), "build", "--progress=plain"]
            environ["DOCKER_BUILDKIT"] = "1"
            for number, (key, (_, value)) in enumerate(sorted(source.secrets.items())):
                path = Path(folder) / f"secret-{number}"
                path.write_text(value)
                argv += ["--secret", f"id={key},src={path}"]
        follow([*command, *argv, str(context)], environ, say)


def follow(argv: list[str], environ: Mapping[str, str], say: Say) -> None:
    """Run a build and tell its output; raises PortwrightError with its last line."""
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environ,
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


@cache
def buildkit_docker() -> str:
    """A docker command that can speak to BuildKit: one with buildx, or one older than 23."""
    for path in ("docker", "/usr/bin/docker", "/usr/local/bin/docker"):
        if not shutil.which(path):
            continue
        if not subprocess.run([path, "buildx", "version"], capture_output=True).returncode:
            return path
        said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        version = re.search(r"version ([0-9]+)\.", said)
        if version and int(version[1]) < 23:
            return path
    raise PortwrightError(
        "build.secrets need BuildKit, which this docker command lacks",
        remedy="install docker-buildx on the host",
        path="build.secrets",
    )
