"""Which records previews and projects need."""

from __future__ import annotations

from collections.abc import Sequence

from stacks.errors import PortwrightError
from zones.records import Record, Type, address, host_name


def wanted(
    domain: str, addresses: Sequence[str], wildcard: bool, names: Sequence[str], ttl: int = 300
) -> list[Record]:
    """The records under a domain, one for each address: A or AAAA by the address' family.

    wildcard: one name, `*.domain`, stands for all of them, and names are only checked.
    names: full host names, each the domain itself or under it. `*.domain` does not answer for
    the domain itself (RFC 4592, 2.2.1), which therefore keeps its own record.
    Raises PortwrightError.
    """
    domain = host_name(domain, "domain")
    if not addresses:
        raise PortwrightError(
            "no address is given",
            remedy="tell the host's public address, which the records are to point to",
            path="addresses",
        )
    full = sorted({under(name, domain) for name in names})
    if wildcard:
        full = [f"*.{domain}"] + ([domain] if domain in full else [])
    values = sorted(
        {address(each, "addresses") for each in addresses}, key=lambda a: (a.version, a)
    )
    kinds: dict[int, Type] = {4: "A", 6: "AAAA"}
    return [
        Record(name, kinds[value.version], str(value), ttl) for name in full for value in values
    ]


def under(name: str, domain: str) -> str:
    found = host_name(name, "names")
    if found != domain and not found.endswith(f".{domain}"):
        raise PortwrightError(
            f"{found} is not under {domain}",
            remedy=f"give names such as pr-7.{domain}",
            path="names",
        )
    return found
