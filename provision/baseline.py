"""What a host has that people and programs add to hosts: one line `kind<TAB>value` each.

Taken before the first change and kept on the host (the baseline): that is how it was handed over.
What is there later, and neither in the baseline nor in the code, is drift.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, deploy

from jobs.settings import Settings
from provision import ssh
from provision.fitness import needed
from provision.operations import unless
from provision.systemd import BOXES, DRAFT, FOLDER

BASELINE = "/etc/portwright/baseline"
LISTS = ("packages", "system_packages", "time_packages", "firewall_packages", "docker_packages",
         "docker_client_packages", "redis_packages", "postgres_packages", "metrics_packages")  # fmt: skip
# Tables of the engine, of fail2ban, and ours.
TABLES = (
    "ip nat", "ip filter", "ip raw", "ip mangle", "ip docker-bridges",
    "ip6 nat", "ip6 filter", "ip6 raw", "ip6 mangle", "ip6 docker-bridges",
    "inet f2b-table", "inet portwright",
)  # fmt: skip
# By their names: a stranger's may begin like ours.
OURS = {
    *(f"{FOLDER}/portwright-{name}.service" for name in (*BOXES, "firewall", "guard")),
    ssh.PATH,
    ssh.OLD,
    ssh.PATH.removesuffix(".conf"),
}
SCRIPT = r"""
export LC_ALL=C
unowned() { while read -r f; do dpkg -S "$f" >/dev/null 2>&1 || printf '%s\t%s\n' "$1" "$f"; done; }
apt-mark showmanual 2>/dev/null | sed 's/^/package\t/'
find /etc/systemd/system -maxdepth 1 -type f 2>/dev/null | unowned unit
find /etc/cron.d /etc/cron.daily /etc/cron.hourly /var/spool/cron/crontabs -type f 2>/dev/null | unowned cron
find /etc/sudoers.d /etc/ssh/sshd_config.d /etc/apt/sources.list.d -type f 2>/dev/null | unowned file
getent passwd | awk -F: '$7 !~ /(nologin|false|sync)$/ {print "user\t" $1 " (" $3 ")"}'
getent passwd | awk -F: '{print $1 " " $6}' | while read -r u h; do
  for f in authorized_keys authorized_keys2; do
    [ -s "$h/.ssh/$f" ] && ssh-keygen -lf "$h/.ssh/$f" 2>/dev/null | awk -v u="$u" '{print "key\t" u " " $2}'
  done
done | sort -u
ss -Hltnp 2>/dev/null | awk '$4 !~ /^(127\.|\[::1\])/ {n = split($4, a, ":"); split($6, b, "\""); print "port\t" a[n] " " b[2]}' | sort -u
nft list tables 2>/dev/null | sed 's/^table /table\t/'
docker ps --all --format '{{.Names}} {{.Image}} {{.Label "portwright.instance"}}{{.Label "portwright.builder-instance"}}' 2>/dev/null | awk 'NF == 2 {print "container\t" $1 " (" $2 ")"}'
"""


class Snapshot(FactBase[list[tuple[str, str]]]):
    """What is there now, or what a kept snapshot says."""

    default = list

    def command(self, path: str = "") -> str:
        return f"cat {shlex.quote(path)} 2>/dev/null || true" if path else SCRIPT

    def process(self, output: Iterable[str]) -> list[tuple[str, str]]:
        rows = (line.partition("\t") for line in output)
        return [(kind, value) for kind, tab, value in rows if tab]


@deploy("baseline")
def deploy_component(settings: Settings) -> None:
    """Kept once; nothing overwrites it."""
    unless(
        f"test -s {BASELINE}",
        "mkdir -p -m 755 /etc/portwright",
        f"( {SCRIPT.strip()} ) >{BASELINE}.new && mv {BASELINE}.new {BASELINE}",
        name="baseline: what the host was handed over with",
    )


def unsaid(
    now: Iterable[tuple[str, str]],
    baseline: Iterable[tuple[str, str]],
    data: Mapping[str, Any],
    ports: Iterable[int],
) -> list[tuple[str, str]]:
    """What is there and said by neither. ports: those that the code opens, whoever listens there."""
    known = {(kind, value) for kind, value in baseline}
    names = {name for each in LISTS for name in data[each]}
    opened = {str(port) for port in ports}

    def said(kind: str, value: str) -> bool:
        if (kind, value) in known:
            return True
        if kind == "package":
            return value in names
        if kind in ("unit", "file"):
            return value.removesuffix(DRAFT) in OURS
        if kind == "port":
            return value.partition(" ")[0] in opened
        if kind == "table":
            return value in TABLES
        if kind == "user":
            return value.startswith("postgres ")
        return False

    return [(kind, value) for kind, value in now if not said(kind, value)]


def facts(settings: Settings) -> list[tuple[str, str]]:
    """The connected host's drift."""
    ports = [
        *needed(host.data.ssh_port, settings.http_port, settings.https_port),
        *host.data.open_tcp,
    ]
    return unsaid(
        host.get_fact(Snapshot), host.get_fact(Snapshot, path=BASELINE), host.data.dict(), ports
    )
