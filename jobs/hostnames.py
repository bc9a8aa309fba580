"""User, host and port in an address that a person gives, read strictly: they reach argv and sockets."""

from __future__ import annotations

import ipaddress
import re

HOST = r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
USER = r"(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]{0,63})"
PORT = r"(?::(?P<port>[0-9]{1,5}))?"
NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def plain(host: str) -> bool:
    """An IP address in its usual form, or a name: 2130706433 and 0x7f.1 are neither, and are
    read by some as 127.0.0.1 (https://url.spec.whatwg.org/#ends-in-a-number-checker)."""
    if ":" in host or NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ipaddress.ip_address(host)) == host.lower() or ":" in host
        except ValueError:
            return False
    return True
