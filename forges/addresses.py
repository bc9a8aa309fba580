"""Which addresses of the network may be connected to: the one place that stands against SSRF (CWE-918).

https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
The caller connects to exactly the address that was judged, so that a name whose answer changes
in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from forges.errors import Unreachable
from stacks.errors import PortwrightError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
# What the C library takes for an IPv4 address besides four decimal parts (inet_aton(3)).
NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}")
# Beyond what Python calls not global: carriers' NAT, 6to4 relays (RFC 6598, 7526).
NOT_PUBLIC = [ipaddress.ip_network(each) for each in ("100.64.0.0/10", "192.88.99.0/24")]
UNICAST = ipaddress.ip_network("2000::/3")
# Addresses that hold an IPv4 one at this bit from the right (RFC 6052, 3056).
EMBEDDING = [(ipaddress.ip_network("64:ff9b::/96"), 0), (ipaddress.ip_network("2002::/16"), 80)]
REMEDY = "use a public address; the server's owner can permit others"


def look_up(host: str, port: int) -> list[str]:
    """All addresses of the name, by this host's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


@dataclass(frozen=True)
class Guard:
    """allowed: host names, addresses and networks (CIDR) that this server's owner permits besides public ones.

    Raises PortwrightError for an entry that is none of them.
    """

    allowed: tuple[str, ...] = ()
    resolver: Resolver = look_up
    names: frozenset[str] = field(init=False)
    networks: tuple[Network, ...] = field(init=False)

    def __post_init__(self) -> None:
        names, networks = set(), []
        for entry in self.allowed:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                name = entry.lower().rstrip(".")
                if not HOST.fullmatch(name) or NUMERIC.fullmatch(name):
                    raise PortwrightError(
                        f"{entry[:80]!r} is no host, address or network",
                        remedy="write git.example.org, 10.0.0.5 or 10.0.0.0/8",
                        path="allowed",
                    ) from None
                names.add(name)
        object.__setattr__(self, "names", frozenset(names))
        object.__setattr__(self, "networks", tuple(networks))

    def resolve(self, host: str, port: int) -> str:
        """The one address to connect to.

        Raises PortwrightError where any of its addresses is not public nor permitted, and
        Unreachable where it has none.
        """
        name = host.lower().strip("[]").rstrip(".")
        addresses = [literal] if (literal := parsed(name)) else self.found(name, port)
        if name not in self.names:
            for address in addresses:
                if not (public(address) or self.permits(address)):
                    raise refused(f"{host[:100]!r} is or leads to {address}, which is not public")
        return str(addresses[0])

    def owned(self, host: str, address: str) -> bool:
        """Whether the owner permitted just this host or address."""
        name = host.lower().strip("[]").rstrip(".")
        return name in self.names or self.permits(ipaddress.ip_address(address))

    def permits(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def found(self, name: str, port: int) -> list[Address]:
        if NUMERIC.fullmatch(name) or not HOST.fullmatch(name):
            raise refused(f"{name[:100]!r} is no name of a host")
        try:
            told = [ipaddress.ip_address(each) for each in self.resolver(name, port)]
        except (OSError, ValueError, UnicodeError):
            told = []
        if not told:
            raise Unreachable(
                f"there is no host {name!r}",
                remedy="check the spelling of the address, and this server's DNS",
                path="address",
            )
        return told


def refused(message: str) -> PortwrightError:
    return PortwrightError(message, remedy=REMEDY, path="address")


def parsed(host: str) -> Address | None:
    """Of an address in its usual spelling; None of anything else."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def public(address: Address) -> bool:
    """Unicast, reachable from anywhere; of an IPv6 address that leads to an IPv4 one, also that."""
    if any(address in network for network in NOT_PUBLIC):
        return False
    for network, shift in EMBEDDING:
        if address in network:
            return public(ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF))
    if address.version == 6 and address not in UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
