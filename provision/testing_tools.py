"""What only the system tests need: a browser, a registry to pull from, a forge and an ACME server."""

from __future__ import annotations

import sys

from pyinfra import host
from pyinfra.api import deploy

from jobs.settings import Settings
from provision.operations import unless
from provision.packages import packages


@deploy("testing tools")
def deploy_component(settings: Settings) -> None:
    packages(host.data.testing_packages)
    base = f"PORTWRIGHT_CACHE='{settings.cache}' '{sys.executable}' -m toolchain"
    places = f"--for tests --into '{settings.home}/bin'"
    unless(
        f"{base} status {places}",
        f"{base} install --source {settings.install} {places}",
        name="Gitea, Pebble",
    )
