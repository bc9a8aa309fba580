"""The images that deploys build on: there before the first deploy."""

from __future__ import annotations

import os
from pathlib import Path

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.facts.server import Arch

from jobs.settings import Settings
from provision.copied import copied
from provision.operations import unless
from provision.where import module
from stacks.docker.images import base

NAMES = ("python", "postgres")


@deploy("images")
def deploy_component(settings: Settings) -> None:
    archive = operator_cache() / "images" / f"base-{base.key()}.tar"
    same = host.get_fact(Arch) == os.uname().machine
    if settings.images == "local" and same and archive.exists():
        # A folder is moved in at once; the tar is linked to where the recipes look for it.
        folder = f"{settings.cache}/images/base-{base.key()}"
        copied(name="copy of the base", sources=[archive], folder=folder)
        unless(
            f"test -e {folder}.tar",
            f"ln -sfn {folder}/{archive.name} {folder}.tar",
            name="base at its place",
        )
    unless(
        f"({module(settings, 'stacks.docker.images', 'status', *NAMES)})",
        module(settings, "stacks.docker.images", "ensure", *NAMES),
        name="base images",
    )


def operator_cache() -> Path:
    return Path(os.environ.get("PORTWRIGHT_CACHE") or "~/.cache/portwright").expanduser()
