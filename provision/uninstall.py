"""Takes Portwright off a managed host. Packages stay; data stays unless it is named."""

from __future__ import annotations

import shlex

from pyinfra import host
from pyinfra.api import deploy

from jobs.settings import Settings
from provision import docker, firewall, guard, ssh
from provision.inventory import PLACE
from provision.operations import no_unit, unless
from provision.system import SWAP
from provision.systemd import BOXES
from stacks.docker.builds.builder import INSTANCE_LABEL

VOLUMES = ("docker volume ls --quiet", "docker volume rm")
FILES = (
    "/etc/fail2ban/jail.d/portwright.conf",
    "/etc/apt/apt.conf.d/60portwright",
    "/etc/postgresql-common/createcluster.d/portwright.conf",
    "/usr/local/sbin/portwright-admin",
)


@deploy("uninstall")
def deploy_component(settings: Settings) -> None:
    units = " ".join(f"portwright-{name}.service" for name in reversed(BOXES))
    paths = " ".join(f"/etc/systemd/system/portwright-{name}.service" for name in BOXES)
    unless(
        f"! ls {paths} 2>/dev/null | grep -q .",
        # Apart: a node has only one of them, and an unknown unit must not keep the rest running.
        f"systemctl stop {units} 2>/dev/null; systemctl disable {units} 2>/dev/null;"
        f" rm -f {paths}; systemctl daemon-reload",
        name="units of portal, worker, Traefik, Redis and Postgres",
    )
    projects = f"label=portwright.instance={settings.instance}"
    builders = f"label={INSTANCE_LABEL}={settings.instance}"
    for kind, label, listed, remove in (
        ("containers", projects, "docker ps --all --quiet", "docker rm --force"),
        ("networks", projects, "docker network ls --quiet", "docker network rm"),
        *((("volumes", projects, *VOLUMES),) if data() else ()),
        ("builders", builders, "docker ps --all --quiet", "docker rm --force"),
        ("build caches", builders, *VOLUMES),
    ):
        found = f"{listed} --filter {shlex.quote(label)}"
        unless(f"! {found} | grep -q .", f"{found} | xargs {remove}", name=f"its {kind}")
    unless(
        f"! test -e {docker.BEFORE}",
        docker.put_back(),
        name="Docker's own configuration",
    )
    no_unit(firewall.UNIT, name="firewall")
    no_unit(guard.UNIT, name="what guards the doors at a reboot")
    unless(
        f"! test -e {ssh.PATH}",
        f"rm -f {ssh.PATH} {ssh.OLD}; {ssh.RELOAD}",
        name="sshd's options",
    )
    unless(
        f"! test -e {SWAP}",
        f"swapoff {SWAP}; rm -f {SWAP}; sed -i '\\#^{SWAP} #d' /etc/fstab",
        name="swap",
    )
    gone("files of ours", *FILES, PLACE, guard.FOLDER, "/etc/portwright")
    if data():
        gone("data", str(settings.home), str(settings.cache))


def data() -> bool:
    return bool(host.data.remove_data)


def gone(name: str, *paths: str) -> None:
    listed = " ".join(shlex.quote(path) for path in paths)
    unless(f"! ls -d {listed} 2>/dev/null | grep -q .", f"rm -rf {listed}", name=name)
