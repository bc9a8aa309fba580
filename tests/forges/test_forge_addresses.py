"""Which addresses are connected to: public ones, and those that the server's owner permits."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.addresses import EMBEDDING, Guard, public
from forges.errors import Unreachable
from stacks.errors import PortwrightError

PUBLIC = "93.184.215.14"


def answering(*addresses: str) -> Guard:
    return Guard(resolver=lambda host, port: list(addresses))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.5", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1",
        "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1",
        "fd00:ec2::254", "2001:db8::1", "2001::1", "100::1", "::127.0.0.1", "4000::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.215.14",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:5::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_as_an_address_and_behind_a_name(address: str) -> None:
    for host, guard in ((address, Guard()), ("forge.example", answering(address))):
        with pytest.raises(PortwrightError) as caught:
            guard.resolve(host, 443)
        assert caught.value.path == "address" and caught.value.remedy


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:4700::1111", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"]
)
def test_what_is_public_is_connected_to(address: str) -> None:
    assert answering(address).resolve("forge.example", 443) == address
    assert Guard().resolve(address, 443) == address
    assert Guard().resolve(f"[{address}]", 443) == address


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.01",
     "0", "0.0", "1.1.1", "017700000001", "0x"],
)  # fmt: skip
def test_other_spellings_of_addresses_are_no_hosts(host: str) -> None:
    """Not even where the resolver would make something public of them."""
    with pytest.raises(PortwrightError) as caught:
        answering(PUBLIC).resolve(host, 80)
    assert "no name of a host" in caught.value.message


@pytest.mark.parametrize("host", ["", ".", "a..b", "a b", "a/b", "user@host", "a\n", "-a.b", "x" * 254, "ⅰ.example"])  # fmt: skip
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(PortwrightError):
        answering(PUBLIC).resolve(host, 80)


def test_one_bad_address_among_good_ones_spoils_the_name() -> None:
    with pytest.raises(PortwrightError):
        answering(PUBLIC, "127.0.0.1").resolve("forge.example", 443)
    with pytest.raises(PortwrightError):
        answering("fd00::1", PUBLIC).resolve("forge.example", 443)
    assert answering(PUBLIC, "2606:4700::1111").resolve("forge.example", 443) == PUBLIC


def test_a_name_that_leads_nowhere_says_so() -> None:
    for guard in (answering(), answering("nonsense")):
        with pytest.raises(Unreachable) as caught:
            guard.resolve("forge.example", 443)
        assert "forge.example" in caught.value.message

    def fails(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Unreachable):
        Guard(resolver=fails).resolve("forge.example", 443)


def test_this_hosts_own_names_lead_to_refused_addresses() -> None:
    with pytest.raises(PortwrightError) as caught:
        Guard().resolve("localhost", 80)
    assert "not public" in caught.value.message


@pytest.mark.parametrize(
    ("allowed", "host", "answer"),
    [
        ("10.0.0.5", "10.0.0.5", "10.0.0.5"),
        ("10.0.0.0/8", "git.lan", "10.9.9.9"),
        ("git.lan", "git.lan", "192.168.1.9"),
        ("Git.LAN.", "GIT.lan.", "192.168.1.9"),
        ("fd00::/8", "git.lan", "fd12::1"),
        ("::1", "[::1]", "::1"),
    ],
)
def test_the_owner_can_permit_names_addresses_and_networks(
    allowed: str, host: str, answer: str
) -> None:
    guard = Guard((allowed,), lambda host, port: [answer])
    assert guard.resolve(host, 443) == answer
    assert guard.owned(host, answer)
    assert not guard.owned("other.example", PUBLIC)
    with pytest.raises(PortwrightError):
        Guard((allowed,), lambda host, port: ["172.16.0.1"]).resolve("other.example", 443)


@pytest.mark.parametrize("entry", ["", "10.0.0.1/8", "http://git.lan", "git.lan:3000", "*", "0x7f.1", "a b"])  # fmt: skip
def test_what_can_not_be_permitted_is_told(entry: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        Guard((entry,))
    assert caught.value.path == "allowed"


@given(st.ip_addresses())
def test_no_address_is_let_through_that_python_does_not_call_global(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    try:
        assert Guard().resolve(str(address), 443) == str(address)
    except PortwrightError:
        return
    embedding = any(address in network for network, _ in EMBEDDING)
    assert embedding or (address.is_global and not address.is_multicast and not address.is_reserved)


@given(st.ip_addresses(v=4), st.sampled_from([("64:ff9b::", 0), ("2002::", 80)]))
def test_an_address_within_an_address_is_judged_like_it(
    inner: ipaddress.IPv4Address, network: tuple[str, int]
) -> None:
    start, shift = network
    outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(start)) + (int(inner) << shift))
    assert public(outer) is public(inner)
