"""Make an image of a recipe with `docker import`, a container that installs packages, and a commit.

No builder is involved, so every engine can do it.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import docker
from docker.errors import APIError, DockerException
from docker.models.containers import Container

from stacks.docker.images import debian
from stacks.docker.images.engine import find_image
from stacks.errors import PortwrightError
from tools.library.recipes import BASE_PACKAGES, OWNER, Recipe

LABEL = "portwright.recipe"
POLICY = "/usr/sbin/policy-rc.d"
INSTALL = "apt-get install --yes --no-install-recommends"
CLEAN = "rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb"
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
Say = Callable[[str], None]


def make(client: docker.DockerClient, cache: Path, recipe: Recipe, say: Say) -> str:
    """Return the ID of the recipe's image, and make the image if the engine does not have it.

    Raises PortwrightError if a package or a command fails.
    """
    old = find_image(client, recipe.reference)
    if old is not None and old.labels.get(LABEL) == recipe.key:
        return str(old.id)
    base = import_base(client, cache, recipe.suite, say)
    say(f"making {recipe.reference} from Debian packages")
    with_explained_errors(recipe, lambda: commit(client, base, recipe))
    if old is not None:
        remove_unnamed(client, str(old.id))
    made = find_image(client, recipe.reference)
    assert made is not None
    return str(made.id)


def remove_unnamed(client: docker.DockerClient, image_id: str) -> None:
    """Remove an image that has lost its last name, unless something still uses it."""
    image = find_image(client, image_id)
    if image is not None and not image.tags and not image.attrs.get("RepoDigests"):
        with suppress(APIError):
            client.images.remove(image_id)


def import_base(client: docker.DockerClient, cache: Path, suite: str, say: Say) -> str:
    """Return the tag of the minimal Debian that recipes of this suite stand on."""
    tag = f"{OWNER}/debian:{suite}"
    key = debian.key(suite, BASE_PACKAGES)
    image = find_image(client, tag)
    if image is None or image.labels.get(LABEL) != key:
        path = debian.archive(cache, suite, BASE_PACKAGES, say)
        import_root(client, path, tag, [f"LABEL {LABEL}={key}", 'CMD ["sh"]'])
    return tag


def import_root(
    client: docker.DockerClient, tar: Path, reference: str, changes: Sequence[str]
) -> None:
    """Make an image of one layer from a tar file."""
    repository, _, tag = reference.rpartition(":")
    client.api.import_image_from_file(
        str(tar), repository=repository, tag=tag, changes=list(changes)
    )


def commit(client: docker.DockerClient, base: str, recipe: Recipe) -> None:
    """Run the recipe in a container and make the result an image."""
    container = client.containers.create(
        base,
        ["/bin/sh", "-euc", script(recipe)],
        network_mode="host",
        labels={LABEL: recipe.key},
        # `docker commit --change` does not know STOPSIGNAL; a commit keeps the container's.
        stop_signal=recipe.stop_signal or None,
    )
    try:
        if recipe.files:
            container.put_archive("/", archive(recipe))
        container.start()
        code = int(container.wait()["StatusCode"])
        if code:
            raise PortwrightError(
                f"installing packages ended with {code}: {last_lines(container)}",
                remedy="check that this machine can reach Debian's packages, then try again",
                path=f"library.{recipe.name}",
            )
        changes = [f"LABEL {LABEL}={recipe.key}", *recipe.changes]
        if recipe.root:
            import_folder(client, container, recipe, changes)
        else:
            container.commit(recipe.repository, recipe.tag, changes=changes)
    finally:
        container.remove(force=True, v=True)


def script(recipe: Recipe) -> str:
    """Return what the container's shell runs."""
    return "\n".join(
        [
            "export DEBIAN_FRONTEND=noninteractive",
            # The container is in the host's network: no package may start its service there.
            f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY}",
            f"chmod 755 {POLICY}",
            "apt-get update",
            f"{INSTALL} {' '.join(recipe.packages)}",
            *recipe.commands,
            f"rm -f {POLICY}",
            "apt-get clean",
            CLEAN,
        ]
    )


def archive(recipe: Recipe) -> bytes:
    """Return the recipe's files as a tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, text in sorted(recipe.files.items()):
            content = text.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = 0o755 if text.startswith("#!") else 0o644, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def import_folder(
    client: docker.DockerClient, container: Container, recipe: Recipe, changes: Sequence[str]
) -> None:
    """Make an image of one layer from a folder of a container."""
    chunks, _ = container.get_archive(recipe.root)
    packed = io.BytesIO(b"".join(chunks))
    folder, layer = recipe.root.rpartition("/")[2], io.BytesIO()
    with tarfile.open(fileobj=packed) as source, tarfile.open(fileobj=layer, mode="w") as target:
        for entry in source:
            if entry.name == folder:
                continue
            content = source.extractfile(entry) if entry.isreg() else None
            entry.name = entry.name.removeprefix(f"{folder}/")
            if entry.islnk():
                entry.linkname = entry.linkname.removeprefix(f"{folder}/")
            target.addfile(entry, content)
    client.api.import_image_from_data(
        layer.getvalue(), repository=recipe.repository, tag=recipe.tag, changes=list(changes)
    )


def last_lines(container: Container, lines: int = 5) -> str:
    text = container.logs(tail=lines).decode(errors="replace")
    return " | ".join(ESCAPE.sub("", text).splitlines())


def with_explained_errors(recipe: Recipe, work: Callable[[], None]) -> None:
    """Run something on the engine; its own errors become a PortwrightError."""
    try:
        work()
    except DockerException as error:
        raise PortwrightError(
            f"the Docker engine cannot make {recipe.reference}: {error}",
            remedy="check that the engine runs and has disk space, then try again",
            path=f"library.{recipe.name}",
        ) from None
