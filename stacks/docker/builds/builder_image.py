"""The image that builders run: a minimal Debian with git, ssh, a firewall and runc, and BuildKit.

It is made on this machine, from Debian's packages and the toolchain's binaries, so that builds
need nothing from Docker Hub; other hosts receive it through their engine's API.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import docker
from docker.errors import APIError, DockerException

from stacks.docker.images.debian import archive
from stacks.docker.images.engine import find_image
from stacks.errors import PortwrightError
from stacks.world import moment

NAME = "portwright/builder"
SUITE = "trixie"
PACKAGES = ("ca-certificates", "git", "iptables", "openssh-client", "runc")
BINARIES = ("buildkitd", "buildctl")
FILES = Path(__file__).parent / "image_files"
SCRIPTS = tuple(FILES / name for name in ("start-buildkitd", "step-runc"))
PLACE = "usr/local/bin"
# Docker's names of what `uname -m` prints.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
OLD = timedelta(days=1)
Say = Callable[[str], None]


def ensure_builder_image(client: docker.DockerClient, cache: Path, binaries: Path, say: Say) -> str:
    """Return the ID of the builder's image, made and loaded into the engine where it is missing.

    binaries: the folder with buildkitd and buildctl. Raises PortwrightError.
    """
    tag = f"{NAME}:{image_key(binaries)}"
    image = find_image(client, tag)
    if image is None:
        check_architecture(client)
        load(client, image_file(cache, binaries, say), tag, say)
        image = find_image(client, tag)
    if image is None:
        raise PortwrightError(
            f"the engine does not have {tag} after loading it",
            remedy="check its free disk space, then try again",
            path="build",
        )
    return str(image.id)


def is_loaded(client: docker.DockerClient, binaries: Path) -> bool:
    """Return whether the engine has the image; False also where BuildKit is not installed."""
    try:
        return find_image(client, f"{NAME}:{image_key(binaries)}") is not None
    except PortwrightError:
        return False


def image_key(binaries: Path) -> str:
    """Return the key of the image that these binaries belong in."""
    return key_of([binary(binaries, name).resolve() for name in BINARIES])


def key_of(binaries: Sequence[Path]) -> str:
    """Return a key of everything that the image is made of, except the age of Debian's packages.

    binaries: in the toolchain's cache, where a folder's name has the key of its inputs.
    """
    digest = hashlib.sha256(repr(("1", SUITE, PACKAGES, os.uname().machine)).encode())
    for path in SCRIPTS:
        digest.update(path.read_bytes())
    for path in binaries:
        digest.update(path.parent.name.encode())
    return digest.hexdigest()[:12]


def packed_path(cache: Path, key: str) -> Path:
    """Return where the cache keeps the image's file system, whether it exists yet or not."""
    return cache / "images" / f"builder-{key}.tar.gz"


def binary(binaries: Path, name: str) -> Path:
    path = binaries / name
    if not path.is_file():
        raise PortwrightError(
            f"{name} is not installed on the platform's host",
            remedy="run ./quickstart (or `portwright host apply`), which installs BuildKit",
            path="build",
        )
    return path


def check_architecture(client: docker.DockerClient) -> None:
    here = ARCHITECTURES.get(os.uname().machine, os.uname().machine)
    there = str(client.version().get("Arch"))
    if there != here:
        raise PortwrightError(
            f"the host's architecture is {there}, but the platform's builder is for {here}",
            remedy=f"build the image elsewhere and use `image:`, or place the project on a {here} host",
            path="build",
        )


def image_file(cache: Path, binaries: Path, say: Say) -> Path:
    """Return the image's file system as a compressed tar file, made where it is missing.

    A worker on a managed host reads the one that the host was installed with: its sandbox lets it
    neither write the cache nor run debootstrap.
    """
    target = packed_path(cache, image_key(binaries))
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return make(target, cache, binaries, say)
    except OSError as error:
        raise PortwrightError(
            f"the builder's image could not be made: {error}",
            remedy="run ./quickstart (or `portwright host apply`), which makes it",
            path="build",
        ) from None


def make(target: Path, cache: Path, binaries: Path, say: Say) -> Path:
    with (target.parent / "builder.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        base = archive(cache, SUITE, PACKAGES, say)
        say("creating the builder's image")
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="builder-") as scratch:
            whole = Path(scratch) / "builder.tar"
            shutil.copyfile(base, whole)
            with tarfile.open(whole, "a") as tar:
                for path in (*SCRIPTS, *(binary(binaries, name).resolve() for name in BINARIES)):
                    tar.add(path, f"./{PLACE}/{path.name}", filter=executable)
            packed = Path(scratch) / "builder.tar.gz"
            with whole.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as out:
                shutil.copyfileobj(source, out, 1 << 20)
            packed.rename(target)
        for old in target.parent.glob("builder-*.tar.gz"):
            if old != target:
                old.unlink(missing_ok=True)
    return target


def remove_old_images(client: docker.DockerClient, binaries: Path, at: datetime) -> list[str]:
    """Remove earlier versions of the builder's image that no container uses; return their tags.

    One that is new may belong to another platform on this engine, which has just loaded it.
    """
    current = f"{NAME}:{image_key(binaries)}"
    removed = []
    for image in client.images.list(NAME):
        if current in image.tags or at - moment(image.attrs["Created"]) < OLD:
            continue
        for tag in image.tags:
            with suppress(APIError):  # a container uses it
                client.images.remove(tag)
                removed.append(tag)
    return removed


def executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid = 0o755, 0, 0
    member.uname = member.gname = "root"
    return member


def load(client: docker.DockerClient, file: Path, tag: str, say: Say) -> None:
    """Import the file system into the engine under that tag."""
    say("loading the builder's image into the engine")
    repository, _, version = tag.partition(":")
    try:
        with file.open("rb") as stream:
            client.api.import_image_from_data(stream, repository=repository, tag=version)
    except DockerException as error:  # another error is a lost connection, which the run explains
        raise PortwrightError(
            f"the builder's image could not be loaded into the engine: {error}",
            remedy="check that the engine is running and has 1 GB of free disk space",
            path="build",
        ) from None
