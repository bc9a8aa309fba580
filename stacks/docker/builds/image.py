"""From a checkout to an image: what is built, what makes it the same build, and building it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stacks.docker.builds import detect
from stacks.docker.builds.buildkit import Order
from stacks.docker.builds.dockerfile import needs_download
from stacks.docker.builds.external import BUILDERS, Prepared
from stacks.errors import PortwrightError
from stacks.service_file import Build, Static

Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """What an image is built from.

    checkout: the repository's files; tree: the git hash of the context folder.
    secrets, ssh: id -> (version, value) of a secret.
    """

    checkout: Path
    tree: str
    secrets: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    ssh: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How an image is built.

    context, dockerfile: paths; text: the Dockerfile's bytes. generated: the repository has none.
    frontend: the image that reads it, None for the one that the Dockerfile asks for. arguments:
    besides the build's own.
    """

    build: Build
    context: Path
    dockerfile: Path
    text: bytes
    generated: bool = False
    frontend: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)


def recipe_of(
    checkout: Path,
    wanted: Build | Static,
    service: str,
    work: Path,
    say: Say,
    volumes: Sequence[str] = (),
) -> Recipe:
    """Find the Dockerfile, or generate one for what the folder holds.

    work: an empty folder that lives as long as the build. volumes: where the service has them. Raises PortwrightError.
    """
    if isinstance(wanted, Static):
        context = inside(checkout, wanted.folder, "static.folder")
        if wanted.fallback:
            inside(context, wanted.fallback, "static.fallback")
        return generated(Build(context=wanted.folder), context, detect.static(wanted), work)
    context = inside(checkout, wanted.context, "build.context")
    if wanted.builder:
        return prepared(wanted, BUILDERS[wanted.builder](context, work, wanted.args))
    if wanted.dockerfile is None and not (context / "Dockerfile").exists():
        found = detect.detect(context, service, volumes)
        say(f"no Dockerfile found; generating one for {found.found}")
        for notice in found.notices:
            say(notice)
        return generated(wanted, context, found.dockerfile, work)
    named = f"{wanted.context}/{wanted.dockerfile or 'Dockerfile'}"
    path = inside(checkout, named, "build.dockerfile")
    if not path.is_file():
        raise PortwrightError(
            f"{named!r} is not a file",
            remedy="set `dockerfile` to a file in the repository",
            path="build.dockerfile",
        )
    return Recipe(wanted, context, path, path.read_bytes())


def generated(build: Build, context: Path, text: str, work: Path) -> Recipe:
    path = work / "Dockerfile"
    path.write_text(text)
    return Recipe(build, context, path, text.encode(), generated=True)


def prepared(build: Build, found: Prepared) -> Recipe:
    """What an external builder wrote."""
    return Recipe(
        build,
        found.context,
        found.definition,
        found.definition.read_bytes(),
        generated=True,
        frontend=found.frontend,
        arguments=found.build_args,
    )


def inside(folder: Path, relative: str, path: str) -> Path:
    """Return a path that does not lead out of the folder, through links either."""
    found = (folder / relative).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise PortwrightError(
            f"{relative!r} is outside the repository",
            remedy="use a path inside the repository",
            path=path,
        )
    if not found.exists():
        raise PortwrightError(
            f"{relative!r} is not in the repository",
            remedy="commit it, or correct the path",
            path=path,
        )
    return found


def build_key(recipe: Recipe, source: Source, domain: str) -> str:
    """Return what is equal for two builds that need only one: the same files, settings and secrets.

    domain: whose builds may share results (jobs.builds). A cache mount may change what the same
    files give, so that a pull request's image is not production's. What a registry or a server
    answers meanwhile is not part of it.
    """
    ignored = recipe.dockerfile.with_name(f"{recipe.dockerfile.name}.dockerignore")
    versions = {
        kind: {key: version for key, (version, _) in given.items()}
        for kind, given in (("secrets", source.secrets), ("ssh", source.ssh))
    }
    parts = [
        domain,
        source.tree,
        recipe.build.model_dump(mode="json", exclude={"secrets", "ssh"}),
        hashlib.sha256(recipe.text).hexdigest(),
        hashlib.sha256(ignored.read_bytes()).hexdigest() if ignored.is_file() else "",
        versions,
        recipe.frontend,
        sorted(recipe.arguments.items()),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def order_of(recipe: Recipe, source: Source, tag: str, say: Say) -> Order:
    """The order to BuildKit for this recipe, without what separates projects (jobs.builders)."""
    download = recipe.frontend is None and needs_download(recipe.text)
    if download:
        say("downloading the frontend that the Dockerfile's `syntax` line names")
    return Order(
        context=recipe.context,
        dockerfile=recipe.dockerfile,
        tag=tag,
        arguments={**recipe.build.args, **recipe.arguments},
        target=recipe.build.target,
        secrets={key: value for key, (_, value) in source.secrets.items()},
        ssh={key: value for key, (_, value) in source.ssh.items()},
        frontend=recipe.frontend,
        built_in_frontend=not download,
        network=recipe.build.network == "default",
    )
