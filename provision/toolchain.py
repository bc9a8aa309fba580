"""Pulumi, its docker provider, Traefik and BuildKit, by the toolchain's installer.

A managed host of this machine's kind gets copies of what this machine has: it need neither
download nor build them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.facts.server import Arch

from jobs.settings import Settings
from provision.copied import copied
from provision.operations import unless
from provision.where import is_node, managed, module
from toolchain.build import build_inputs
from toolchain.cache import Cache, default_root
from toolchain.catalog import chosen, pin_of

NAMES = ("pulumi", "docker-provider", "traefik", "buildkitd", "buildctl")
ON_NODES = ("traefik",)


@deploy("toolchain")
def deploy_component(settings: Settings) -> None:
    names = ON_NODES if is_node() else NAMES
    if managed() and host.get_fact(Arch) == os.uname().machine:
        for binary in at_hand(names):
            copied(
                name=f"copy of {binary.parent.name}",
                sources=[binary, binary.parent / "manifest.json"],
                folder=f"{settings.cache}/toolchain/{binary.parent.name}",
            )
    places = ("--into", f"{settings.home}/bin", "--plugins", f"{settings.home}/pulumi", *names)
    install = ("install", "--source", settings.install, *places)
    unless(
        f"({module(settings, 'toolchain', 'status', *places)})",
        module(settings, "toolchain", *install),
        name=", ".join(names),
    )


def at_hand(names: Sequence[str] = NAMES) -> list[Path]:
    """The binaries of the wanted versions in this machine's own cache."""
    cache = Cache(default_root())
    found = []
    for artifact in chosen(list(names)):
        wanted = {build_inputs(artifact), pin_of(artifact)}
        for binary, manifest in cache.entries(artifact.name):
            if manifest.inputs in wanted:
                found.append(binary)
                break
    return found
