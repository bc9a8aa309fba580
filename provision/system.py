"""The system below: updates, time, swap, upgrades by themselves, and fail2ban before sshd."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import systemd

from jobs.settings import Settings
from provision.operations import Succeeds, text_file, unless
from provision.packages import APT, WAIT, packages

UPGRADES = """// Portwright's. Security updates by themselves; no reboot that nobody asked for.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "false";
"""
# Debian 12 has no /var/log/auth.log: sshd's words are in the journal.
JAIL = """# Portwright's.
[sshd]
enabled = true
backend = systemd
port = {port}
maxretry = 5
findtime = 10m
bantime = 1h
banaction = nftables-multiport
"""
SWAP = "/swapfile-portwright"
STAMP = "/var/lib/apt/periodic/update-success-stamp"


@deploy("system")
def deploy_component(settings: Settings) -> None:
    container = host.get_fact(Succeeds, check="systemd-detect-virt --container")
    packages(host.data.firewall_packages)
    unless(
        f'test -n "$(find {STAMP} -mmin -{24 * 60})"',
        f"apt-get {WAIT} update",
        f"mkdir -p $(dirname {STAMP}) && touch {STAMP}",
        name="package lists",
    )
    unless(
        f"! apt-get --simulate {WAIT} upgrade | grep -q '^Inst '",
        f"{APT} {WAIT} upgrade --yes",
        name="updates",
    )
    packages(host.data.system_packages)
    text_file(name="upgrades by themselves", path="/etc/apt/apt.conf.d/60portwright", text=UPGRADES)
    if not container:
        in_time()
        if host.data.swap_mb:
            swap(host.data.swap_mb)
    unless(
        f'[ "$(readlink -f /etc/localtime)" = /usr/share/zoneinfo/{host.data.timezone} ]'
        f" || ! test -e /usr/share/zoneinfo/{host.data.timezone}",
        f"ln -sf /usr/share/zoneinfo/{host.data.timezone} /etc/localtime",
        name=f"time zone {host.data.timezone}",
    )
    text_file(
        name="fail2ban watches sshd",
        path="/etc/fail2ban/jail.d/portwright.conf",
        text=JAIL.format(port=host.data.ssh_port),
        then="! systemctl is-active --quiet fail2ban || systemctl restart fail2ban",
    )
    systemd.service(name="fail2ban", service="fail2ban", running=True, enabled=True)


def in_time() -> None:
    """Another program that keeps the time stays: Debian has room for one only, and would remove it."""
    if host.get_fact(Succeeds, check="systemctl is-active --quiet chrony ntpsec ntp openntpd"):
        return
    packages(host.data.time_packages)
    systemd.service(name="time", service="systemd-timesyncd", running=True, enabled=True)


def swap(megabytes: int) -> None:
    """A swap file where the host has none at all: a build that needs more than memory is slow, not dead."""
    unless(
        'test -n "$(swapon --show --noheadings)"',
        f"test -s {SWAP} || (fallocate -l {megabytes}M {SWAP}.new && chmod 600 {SWAP}.new && mkswap {SWAP}.new && mv {SWAP}.new {SWAP})",
        # In one: once it is on, no later run would come to the second part.
        f"swapon {SWAP} && {{ grep -qs '^{SWAP} ' /etc/fstab || echo '{SWAP} none swap sw 0 0' >>/etc/fstab; }}",
        name=f"{megabytes} MB of swap",
    )
