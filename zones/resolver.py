"""Looking names up: by the host's resolver, by given name servers, or by a domain's own."""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from stacks.errors import PortwrightError
from zones.records import Type, host_name


class Unanswered(PortwrightError):
    """No server told: neither that there is a record, nor that there is none."""


class Resolver:
    """servers: addresses of name servers; the host's own where none are given.

    seconds: for one lookup with all its tries. May be used by several threads at once.
    """

    def __init__(
        self, servers: Sequence[str] = (), *, port: int = 53, seconds: float = 5.0
    ) -> None:
        try:
            self.resolver = dns.resolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:
            raise Unanswered(
                "this host names no resolver",
                remedy="give it one in /etc/resolv.conf",
                path="dns",
            ) from None
        if servers:
            self.resolver.nameservers = list(servers)
        self.resolver.port = port
        self.resolver.lifetime = seconds
        self.resolver.timeout = min(2.0, seconds)

    def seen(self, name: str, kind: Type) -> list[str]:
        """Values, sorted and in Record's form; none where there is no such record.

        An address is found through CNAMEs too. Raises Unanswered.
        """
        return sorted(self.texts(dns.name.from_text(name), kind))

    def texts(self, name: dns.name.Name, kind: str) -> list[str]:
        try:
            answer = self.resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise unanswered(name, error) from None
        if kind == "TXT":
            return [b"".join(each.strings).decode("ascii", "replace") for each in answer]
        return [each.to_text().lower().removesuffix(".") for each in answer]

    def own(self, domain: str) -> Resolver:
        """A resolver that asks the name servers that the domain's zone names itself: what they
        say is not yet in anybody's cache. Raises Unanswered."""
        name = dns.name.from_text(host_name(domain, "domain"))
        try:
            zone = dns.resolver.zone_for_name(name, resolver=self.resolver)
        except dns.exception.DNSException as error:
            raise unanswered(name, error) from None
        servers = [dns.name.from_text(each) for each in self.texts(zone, "NS")]
        addresses = [
            found for kind in ("A", "AAAA") for s in servers for found in self.texts(s, kind)
        ]
        if not addresses:
            raise Unanswered(
                f"no name server of {zone.to_text(omit_final_dot=True)} could be found",
                remedy="check the domain's name servers at its registrar",
                path=domain,
            )
        seconds = self.resolver.lifetime
        return Resolver(addresses, port=self.resolver.port, seconds=seconds)


def unanswered(name: dns.name.Name, error: dns.exception.DNSException) -> Unanswered:
    late = isinstance(error, dns.exception.Timeout)
    cause = "in time" if late else f"usefully ({type(error).__name__})"
    return Unanswered(
        f"no name server answered {cause}",
        remedy="check the domain's name servers, and whether this host reaches them",
        path=name.to_text(omit_final_dot=True),
    )
