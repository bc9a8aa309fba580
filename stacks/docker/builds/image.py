"""From a checkout to an image: what is built, what makes it the same build, and building it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from stacks.docker.builds import detect
from stacks.docker.builds.buildkit import Order
from stacks.docker.builds.dockerfile import needs_download
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
    """How an image is built. path: of the Dockerfile in the checkout, None where `text` was
    generated; text: its bytes."""

    build: Build
    context: Path
    path: Path | None
    text: bytes

    @property
    def generated(self) -> str | None:
        return None if self.path else self.text.decode()


def recipe_of(checkout: Path, wanted: Build | Static, service: str, say: Say) -> Recipe:
    """Find the Dockerfile, or generate one for what the folder holds. Raises PortwrightError."""
    if isinstance(wanted, Static):
        context = inside(checkout, wanted.folder, "static.folder")
        if wanted.fallback:
            inside(context, wanted.fallback, "static.fallback")
        build = Build(context=wanted.folder)
        return Recipe(build, context, None, detect.static(wanted).encode())
    context = inside(checkout, wanted.context, "build.context")
    if wanted.dockerfile is None and not (context / "Dockerfile").exists():
        text, found = detect.dockerfile_for(context, service)
        say(f"no Dockerfile: generated one for {found}")
        return Recipe(wanted, context, None, text.encode())
    named = f"{wanted.context}/{wanted.dockerfile or 'Dockerfile'}"
    path = inside(checkout, named, "build.dockerfile")
    if not path.is_file():
        raise PortwrightError(
            f"{named!r} is not a file", remedy="name a Dockerfile", path="build.dockerfile"
        )
    return Recipe(wanted, context, path, path.read_bytes())


def inside(folder: Path, relative: str, path: str) -> Path:
    """Return a path that does not lead out of the folder, through links either."""
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


def build_key(recipe: Recipe, source: Source) -> str:
    """Return what is equal for two builds that need only one: the same files, settings and secrets.

    What a registry or a server answers meanwhile is not part of it.
    """
    ignored = recipe.path and recipe.path.with_name(f"{recipe.path.name}.dockerignore")
    versions = {
        kind: {key: version for key, (version, _) in given.items()}
        for kind, given in (("secrets", source.secrets), ("ssh", source.ssh))
    }
    parts = [
        source.tree,
        recipe.build.model_dump(mode="json", exclude={"secrets", "ssh"}),
        hashlib.sha256(recipe.text).hexdigest(),
        hashlib.sha256(ignored.read_bytes()).hexdigest() if ignored and ignored.is_file() else "",
        versions,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


@contextmanager
def order_of(recipe: Recipe, source: Source, tag: str, say: Say) -> Iterator[Order]:
    """The order to BuildKit for this recipe, without what separates projects (jobs.builders)."""
    download = needs_download(recipe.text)
    if download:
        say("the Dockerfile's `syntax` line names a frontend that has to be downloaded")
    with TemporaryDirectory(prefix="portwright-dockerfile-") as folder:
        path = recipe.path
        if path is None:
            path = Path(folder) / "Dockerfile"
            path.write_bytes(recipe.text)
        yield Order(
            context=recipe.context,
            dockerfile=path,
            tag=tag,
            arguments=recipe.build.args,
            target=recipe.build.target,
            secrets={key: value for key, (_, value) in source.secrets.items()},
            ssh={key: value for key, (_, value) in source.ssh.items()},
            built_in_frontend=not download,
            network=recipe.build.network == "default",
        )
