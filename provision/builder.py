"""The image of the builders: made once per host, from Debian's packages and the toolchain's BuildKit."""

from __future__ import annotations

import os

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.facts.server import Arch

from jobs.settings import Settings
from provision.copied import copied
from provision.operations import unless
from provision.toolchain import at_hand
from provision.where import managed, module
from stacks.docker.builds.builder_image import BINARIES, key_of, packed_path
from toolchain.cache import default_root


@deploy("builder")
def deploy_component(settings: Settings) -> None:
    file = packed_path(default_root().parent, key_of(at_hand(BINARIES)))
    if managed() and file.exists() and host.get_fact(Arch) == os.uname().machine:
        # A folder is moved in at once; the file is linked to where it is looked for.
        folder = f"{settings.cache}/images/{file.name.removesuffix('.tar.gz')}"
        copied(name="copy of the builder's image", sources=[file], folder=folder)
        unless(
            f"test -e {folder}.tar.gz",
            f"ln -sfn {folder}/{file.name} {folder}.tar.gz",
            name="builder's image at its place",
        )
    unless(
        f"({module(settings, 'stacks.docker.builds', 'status')})",
        module(settings, "stacks.docker.builds", "ensure"),
        name="image of the builders",
    )
