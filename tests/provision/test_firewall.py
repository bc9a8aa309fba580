"""The firewall's rules as text; what they do is tested on a VPS."""

from __future__ import annotations

from apart import call


def rules(*given: object) -> str:
    return str(call("provision.firewall", "rules", *given))


def test_only_what_is_named_is_let_in_and_all_else_is_dropped() -> None:
    text = rules([22, 80, 443, 80], [443], ["wg0"], 22, 30)
    chain = [line.strip() for line in text.split("chain outside {")[1].splitlines() if line.strip()]
    assert chain == [
        "type filter hook prerouting priority -150; policy accept;",
        "ct state established,related accept",
        'iifname { "lo", "docker0", "br-*", "docker_gwbridge", "wg0" } accept',
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
