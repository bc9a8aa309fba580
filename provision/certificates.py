"""What looks after certificates on a node: `jobs.node`. On a host it is the worker."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs.node import SOCKET
from jobs.settings import Settings
from provision.daemons import Daemon
from provision.environment import environment
from provision.operations import daemon, no_unit
from provision.systemd import FOLDER


@deploy("certificates")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    if settings.https_port:
        argv = [host.data.python, "-m", "jobs.node"]
        wanted = Daemon("certificates", argv, environment(settings), host.data.code, SOCKET)
        daemon(name="certificates", home=home, wanted=wanted)
        return
    no_unit(f"{FOLDER}/portwright-certificates.service", name="no certificates")
    # What was told while HTTPS was on would still send visitors there.
    told = f"{home}/traefik/dynamic/domains.yaml"
    files.file(name="no domains.yaml", path=told, present=False)
