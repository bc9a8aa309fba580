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
from provision.operations import CHECKOUT, RunningFingerprint, Succeeds, daemon, text_file, unless
from provision.packages import APT, WAIT, packages
from provision.where import managed

SOCKET = "/var/run/docker.sock"
ANSWERS = "docker version"
INSTALLED = "command -v dockerd && command -v docker"
CONFIG = "/etc/docker/daemon.json"
# What was there before ours, empty where nothing was: `portwright host uninstall` puts it back.
BEFORE = f"{CONFIG}.before-portwright"
# The engine reads its configuration when it starts.
READ = f"""[ "$(stat -c %Y {CONFIG})" -le "$(date -d "$(systemctl show docker -p ActiveEnterTimestamp --value)" +%s)" ]"""


@deploy("docker")
def deploy_component(settings: Settings) -> None:
    if managed():
        by_systemd()
        return
    home = str(settings.home)
    ours = bool(host.get_fact(RunningFingerprint, home=home, who="dockerd"))
    if host.get_fact(Succeeds, check=ANSWERS) and not ours:
        return
    # One that is installed and only stopped need not be Debian's; the two can't live together.
    if ours or not host.get_fact(Succeeds, check=INSTALLED):
        installed()
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


def installed() -> None:
    packages(host.data.docker_packages)
    # Debian 13 has the client in a package of its own, which the engine's only recommends.
    for name in host.data.docker_client_packages:
        unless(
            f"command -v docker || ! apt-cache show {name}",
            f"{APT} {WAIT} install --yes --no-install-recommends {name}",
            name=f"package {name}",
        )


def set_aside() -> str:
    """A shell command: once, and never our own."""
    copy = f"if test -e {CONFIG}; then cp -p {CONFIG} {BEFORE}.new; else : >{BEFORE}.new; fi"
    return f"test -e {BEFORE} || {{ {copy} && mv {BEFORE}.new {BEFORE}; }}"


def put_back() -> str:
    """A shell command: the configuration that was there before ours."""
    return (
        f"if test -s {BEFORE}; then cp -p {BEFORE} {CONFIG}; else rm -f {CONFIG}; fi;"
        f" systemctl try-restart docker; rm -f {BEFORE}"
    )


def by_systemd() -> None:
    """A managed host's engine has our configuration, whole."""
    if not host.get_fact(Succeeds, check=INSTALLED):
        installed()
    config = {
        **host.data.docker_host,
        **({"userns-remap": "default"} if host.data.docker_userns else {}),
    }
    text_file(
        name="log caps, address pools, live restore",
        path=CONFIG,
        text=json.dumps(config, indent=2) + "\n",
        before=set_aside(),
    )
    systemd.service(name="docker at boot", service="docker", enabled=True, running=None)
    unless(
        f"systemctl is-active --quiet docker && {READ}",
        "systemctl restart docker || { systemctl status --no-pager --lines 20 docker >&2; exit 1; }",
        name="docker runs with it",
    )
