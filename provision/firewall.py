"""The firewall: a table of nftables of our own, loaded at boot before the network.

Docker publishes ports by rewriting addresses in `prerouting` at priority -100 (dstnat) and lets
what it rewrote pass in `forward`, so that rules for `input` never see it. Ours are in `prerouting`
at priority -150: they see the port that was asked for, before Docker does. The table is no part
of Docker's, and neither touches the other's; Debian's nftables.service, which flushes everything
when it stops, is not used. https://docs.docker.com/engine/network/packet-filtering-firewalls/
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from io import StringIO
from typing import Any

from pyinfra import host
from pyinfra.api import deploy, operation
from pyinfra.operations import files

from jobs.settings import Settings
from provision.guard import FOLDER, guarded, settled
from provision.operations import DRAFT, Succeeds, text_file
from provision.packages import packages

RULES = "/etc/portwright/firewall.nft"
UNIT = "/etc/systemd/system/portwright-firewall.service"
LOADED = "nft list table inet portwright >/dev/null"
# The rules before a change, where they were in force: what was let in then comes back, and no more.
OLD = RULES + ".portwright-old"
UNIT_TEXT = f"""# Portwright's.
[Unit]
Description=Portwright: firewall
DefaultDependencies=no
After=sysinit.target
Before=network-pre.target docker.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {RULES}
ExecReload=/usr/sbin/nft -f {RULES}
ExecStop=/usr/sbin/nft delete table inet portwright

[Install]
WantedBy=sysinit.target
"""


@deploy("firewall")
def deploy_component(settings: Settings) -> None:
    packages(host.data.firewall_packages)
    text_file(
        name="firewall at boot",
        path=UNIT,
        text=UNIT_TEXT,
        then="systemctl daemon-reload",
    )
    text = rules(
        [host.data.ssh_port, *host.data.open_tcp],
        host.data.open_udp,
        host.data.trusted_interfaces,
        host.data.ssh_port,
        host.data.ssh_new_per_minute,
    )
    closed(name="firewall", text=text, seconds=host.data.guard_seconds)


def rules(
    tcp: Sequence[int], udp: Sequence[int], trusted: Sequence[str], ssh: int, per_minute: int
) -> str:
    """What nft loads: everything at once, or nothing."""
    # A rule each: nft before 1.0.3 takes no `*` in a set.
    inside = "\n".join(
        f'    iifname "{name}" accept'
        for name in ("lo", "docker0", "br-*", "docker_gwbridge", *trusted)
    )
    return f"""# Portwright's. Loading it again replaces the table.
table inet portwright
delete table inet portwright
table inet portwright {{
  set ssh4 {{ type ipv4_addr; flags dynamic; timeout 5m; size 65535; }}
  set ssh6 {{ type ipv6_addr; flags dynamic; timeout 5m; size 65535; }}
  chain outside {{
    type filter hook prerouting priority -150; policy accept;
    ct state established,related accept
{inside}
    ct state invalid drop
    tcp dport {ssh} add @ssh4 {{ ip saddr limit rate over {per_minute}/minute burst 20 packets }} counter drop
    tcp dport {ssh} add @ssh6 {{ ip6 saddr limit rate over {per_minute}/minute burst 20 packets }} counter drop
    tcp dport {{ {", ".join(str(port) for port in dict.fromkeys(tcp))} }} accept
{f"    udp dport {{ {', '.join(str(port) for port in udp)} }} accept" if udp else ""}
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} accept
    meta l4proto {{ 1, 58 }} limit rate 50/second burst 100 packets accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
    counter drop
  }}
}}
"""


def keep() -> str:
    """A shell command, before a change."""
    return f"rm -f {OLD}; if test -e {RULES} && {LOADED} 2>&1; then cp -p {RULES} {OLD}; fi"


def undo() -> str:
    """A shell command: what was in force before the change is again."""
    return (
        f"if test -e {OLD}; then cp -p {OLD} {RULES}; nft -f {RULES};"
        f" else rm -f {RULES}; nft delete table inet portwright;"
        " systemctl disable --quiet portwright-firewall; fi"
    )


@operation()
def closed(text: str, seconds: int) -> Generator[Any, None, None]:
    """The rules are these, loaded now and at each boot; proved by a second login."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    same = (
        f'{settled("firewall")} && echo "{digest}  {RULES}" | sha256sum -c --status'
        f" && {LOADED} && systemctl is-enabled --quiet portwright-firewall"
    )
    if host.get_fact(Succeeds, check=same):
        host.noop("the firewall is so")
        return
    draft = RULES + DRAFT
    yield f"mkdir -p /etc/portwright; {settled('firewall')} || sh {FOLDER}/firewall; {keep()}"
    yield from files.put._inner(src=StringIO(text), dest=draft, mode="644")
    change = [
        f"nft --check -f {draft}",
        f"mv {draft} {RULES}",
        "systemctl enable --quiet portwright-firewall",
        "systemctl reload-or-restart portwright-firewall",
    ]
    yield from guarded("firewall", undo(), change, seconds)
    yield f"rm -f {OLD}"
