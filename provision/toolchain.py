"""Pulumi, its docker provider and Traefik, by the toolchain's installer."""

from __future__ import annotations

import sys

from pyinfra.api import deploy

from jobs.settings import Settings
from provision.operations import unless

NAMES = "pulumi docker-provider traefik"


@deploy("toolchain")
def deploy_component(settings: Settings) -> None:
    base = f"PORTWRIGHT_CACHE='{settings.cache}' '{sys.executable}' -m toolchain"
    places = f"--into '{settings.home}/bin' --plugins '{settings.home}/pulumi' {NAMES}"
    unless(
        f"{base} status {places}",
        f"{base} install --source {settings.install} {places}",
        name="pulumi, docker provider, traefik",
    )
