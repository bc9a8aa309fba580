"""A record is valid from the moment that it is made, and brought to one form."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.errors import PortwrightError
from zones.records import Record

LABEL = "a" * 63


def test_names_and_addresses_are_brought_to_one_form() -> None:
    assert Record("*.Shop.Example.COM.", "AAAA", "2001:DB8:0::7") == Record(
        "*.shop.example.com", "AAAA", "2001:db8::7", 300
    )
    assert Record("www.example.com", "CNAME", "Shop.Example.com.").value == "shop.example.com"


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        (f"{LABEL}.example.com", "A", "203.0.113.7"),
        ("xn--bcher-kva.example.com", "A", "203.0.113.7"),
        ("_acme-challenge.shop.example.com", "TXT", 'a "quoted" \\ text'),
        ("_acme-challenge.shop.example.com", "CNAME", "_x.example.net"),
        ("1.2.example.com", "A", "127.0.0.1"),
    ],
)
def test_what_dns_allows_is_allowed(name: str, kind: str, value: str) -> None:
    assert Record(name, kind, value).name == name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "value", "ttl", "path"),
    [
        ("localhost", "A", "203.0.113.7", 300, "name"),
        ("*", "A", "203.0.113.7", 300, "name"),
        ("a.*.example.com", "A", "203.0.113.7", 300, "name"),
        ("**.example.com", "A", "203.0.113.7", 300, "name"),
        ("a..example.com", "A", "203.0.113.7", 300, "name"),
        ("-a.example.com", "A", "203.0.113.7", 300, "name"),
        (f"{LABEL}a.example.com", "A", "203.0.113.7", 300, "name"),
        (f"{LABEL}.{LABEL}.{LABEL}.{LABEL}", "A", "203.0.113.7", 300, "name"),
        ("_dmarc.example.com", "A", "203.0.113.7", 300, "name"),
        ("bücher.example.com", "A", "203.0.113.7", 300, "name"),
        ("a.example.com\n", "A", "203.0.113.7", 300, "name"),
        ("a.example.com/../x", "A", "203.0.113.7", 300, "name"),
        ("a.example.com", "MX", "mail.example.com", 300, "type"),
        ("a.example.com", "A", "2001:db8::7", 300, "value"),
        ("a.example.com", "AAAA", "203.0.113.7", 300, "value"),
        ("a.example.com", "A", "203.0.113.07", 300, "value"),
        ("a.example.com", "A", "0.0.0.0", 300, "value"),
        ("a.example.com", "A", "224.0.0.1", 300, "value"),
        ("a.example.com", "AAAA", "fe80::1%eth0", 300, "value"),
        ("a.example.com", "CNAME", "*.example.com", 300, "value"),
        ("a.example.com", "CNAME", "A.example.com.", 300, "value"),
        ("a.example.com", "TXT", "", 300, "value"),
        ("a.example.com", "TXT", "two\nlines", 300, "value"),
        ("a.example.com", "TXT", "x" * 2049, 300, "value"),
        ("a.example.com", "A", "203.0.113.7", 59, "ttl"),
        ("a.example.com", "A", "203.0.113.7", 86_401, "ttl"),
    ],
)
def test_what_it_does_not_is_refused_by_field(
    name: str, kind: str, value: str, ttl: int, path: str
) -> None:
    with pytest.raises(PortwrightError) as refused:
        Record(name, kind, value, ttl)  # type: ignore[arg-type]
    assert refused.value.path == path
    assert refused.value.remedy


@given(st.text(max_size=40))
def test_any_text_is_a_safe_name_or_refused(text: str) -> None:
    try:
        record = Record(f"{text}.example.com", "A", "203.0.113.7")
    except PortwrightError:
        return
    assert set(record.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.*")
    assert "*" not in record.name[1:]


@given(st.ip_addresses())
def test_any_address_keeps_its_meaning(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    try:
        record = Record("a.example.com", "A" if address.version == 4 else "AAAA", str(address))
    except PortwrightError:
        assert address.is_unspecified or address.is_multicast
        return
    assert ipaddress.ip_address(record.value) == address
