"""What ssh says, as a cause and a remedy. The texts are OpenSSH's, as they were seen (9.2)."""

from __future__ import annotations

from jobs.hosts.address import Address
from stacks.errors import PortwrightError


class Away(PortwrightError):
    """A host can't be reached, or its engine does not answer: nothing is wrong with what was asked."""


Saying = tuple[tuple[str, ...], str, str]
SAID: tuple[Saying, ...] = (
    (
        ("has changed and you have requested strict checking", "key is known for"),
        "{where} shows another host key than the one that was confirmed; nothing was sent to it",
        "find out why: a machine that was set up anew has a new key, and so has one that only "
        "pretends to be it. Where it is right: portwright hosts confirm {name}",
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        "{where} refuses our key for the user {user}",
        "put the line that `portwright hosts show {name}` prints into "
        "~{user}/.ssh/authorized_keys there",
    ),
    (
        ("Connection refused",),
        "nothing answers at {where}",
        "see that its SSH server runs, and that the port is right",
    ),
    (
        ("timed out", "No route to host", "Network is unreachable", "not responding"),
        "{where} does not answer",
        "see that the machine runs, that its address is right, and that no firewall is in between",
    ),
    (
        ("Could not resolve hostname",),
        "the name {host} is not known",
        "correct the address, or the name's record: portwright hosts address {name} ssh://...",
    ),
    (
        ("Connection closed", "Connection reset", "banner", "kex_exchange", "Broken pipe"),
        "{where} closed the connection",
        "see in its journal why (journalctl -u ssh): fail2ban, MaxStartups or a firewall, mostly",
    ),
)


def why(said: str, name: str, address: Address) -> Away:
    """The error that ssh's words are."""
    words = {
        "name": name, "where": f"{address.host}:{address.port}",
        "host": address.host, "user": address.user,
    }  # fmt: skip
    for signs, cause, remedy in SAID:
        if any(sign in said for sign in signs):
            return Away(
                f"host {name}: {cause.format(**words)}",
                remedy=remedy.format(**words),
                path="host",
            )
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    return Away(
        f"host {name}: ssh could not connect to {words['where']}: {last[:300] or 'it said nothing'}",
        remedy="correct what it says",
        path="host",
    )
