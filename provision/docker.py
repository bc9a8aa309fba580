"""The Docker engine: Debian's, unless one answers already. Started by systemd where that runs, else by us."""

from __future__ import annotations

import json
from io import StringIO

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.facts.files import File
from pyinfra.operations import files, systemd

from jobs.settings import Settings
from provision.daemons import Daemon
from provision.operations import CHECKOUT, RunningFingerprint, Succeeds, daemon, unless
from provision.packages import packages

SOCKET = "/var/run/docker.sock"
ANSWERS = "docker version"
CONFIG = "/etc/docker/daemon.json"


@deploy("docker")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    ours = bool(host.get_fact(RunningFingerprint, home=home, who="dockerd"))
    if host.get_fact(Succeeds, check=ANSWERS) and not ours:
        return
    # One that is installed and only stopped need not be Debian's; the two can't live together.
    if ours or not host.get_fact(Succeeds, check="command -v dockerd && command -v docker"):
        packages(host.data.docker_packages)
    if not host.get_fact(File, path=CONFIG):
        files.put(
            name="log caps",
            src=StringIO(json.dumps(host.data.docker_daemon, indent=2)),
            dest=CONFIG,
        )
    if host.get_fact(Succeeds, check="test -d /run/systemd/system"):
        systemd.service(name="docker", service="docker", running=True, enabled=True)
        return
    unless(
        "mountpoint -q /sys/fs/cgroup",
        f"sh '{CHECKOUT}/provision/mount-cgroups'",
        name="control groups",
    )
    daemon(
        name="dockerd",
        home=home,
        wanted=Daemon(
            "dockerd",
            ["/bin/sh", f"{CHECKOUT}/provision/start-dockerd"],
            ready=SOCKET,
            patience=60,
            grace=60,
        ),
    )
