"""The firewall's rules as text; what they do is tested on a VPS."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from apart import call


def rules(*given: object) -> str:
    return str(call("provision.firewall", "rules", *given))


def test_only_what_is_named_is_let_in_and_all_else_is_dropped() -> None:
    text = rules([22, 80, 443, 80], [443], ["wg0"], 22, 30)
    chain = [line.strip() for line in text.split("chain outside {")[1].splitlines() if line.strip()]
    assert chain == [
        "type filter hook prerouting priority -150; policy accept;",
        "ct state established,related accept",
        'iifname "lo" accept',
        'iifname "docker0" accept',
        'iifname "br-*" accept',
        'iifname "docker_gwbridge" accept',
        'iifname "wg0" accept',
        "ct state invalid drop",
        "tcp dport 22 add @ssh4 { ip saddr limit rate over 30/minute burst 20 packets } counter drop",
        "tcp dport 22 add @ssh6 { ip6 saddr limit rate over 30/minute burst 20 packets } counter drop",
        "tcp dport { 22, 80, 443 } accept",
        "udp dport { 443 } accept",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept",
        "meta l4proto { 1, 58 } limit rate 50/second burst 100 packets accept",
        "udp sport 67 udp dport 68 accept",
        "udp sport 547 udp dport 546 accept",
        "counter drop",
        "}",
        "}",
    ]


def test_loading_it_replaces_only_our_table() -> None:
    text = rules([22], [], [], 22, 30)
    assert text.startswith(
        "# Portwright's. Loading it again replaces the table.\n"
        "table inet portwright\ndelete table inet portwright\n"
    )
    assert "flush ruleset" not in text and "udp dport {" not in text


@pytest.mark.parametrize("in_force", [True, False])
def test_a_change_that_locks_out_leaves_the_rules_from_before(
    tmp_path: Path, in_force: bool
) -> None:
    """Run with stand-ins for nft and systemctl that only write down how they are called."""
    told, rules = tmp_path / "told", tmp_path / "firewall.nft"
    for name, code in (("nft", int(not in_force)), ("systemctl", 0)):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >>{told}\nexit {code}\n')
        program.chmod(0o755)

    def run(name: str) -> None:
        command = str(call("provision.firewall", name)).replace("/etc/portwright", str(tmp_path))
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        subprocess.run(["/bin/sh", "-c", command], env=env, check=False)

    rules.write_text("old")
    run("keep")
    rules.write_text("new")
    told.unlink()
    for _ in range(2):  # the timer may be quicker than who asks for it
        run("undo")
        called = told.read_text().splitlines()
        if in_force:
            assert rules.read_text() == "old"
            assert set(called) == {f"nft -f {rules}"}
        else:
            assert not rules.exists()
            assert {"nft delete table inet portwright"} < set(called)
