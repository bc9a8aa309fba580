"""What the library of images for the sample and the tests needs: see tools/library."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import systemd

from jobs.settings import Settings
from provision.operations import Succeeds
from provision.packages import packages


@deploy("library")
def deploy_component(settings: Settings) -> None:
    packages(host.data.library_packages)
    if host.get_fact(Succeeds, check="test -d /run/systemd/system"):
        # Debian's own instance would listen on every address at the next boot.
        systemd.service(
            name="not Debian's own", service="docker-registry", running=False, enabled=False
        )
