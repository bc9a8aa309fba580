"""What only the system tests need: a browser, and a registry to pull from."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy

from jobs.settings import Settings
from provision.packages import packages


@deploy("testing tools")
def deploy_component(settings: Settings) -> None:
    packages(host.data.testing_packages)
