"""DNS by hand: a table of what to make, and looking whether a real name server says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nameserver import NameServer

from zones.manual import Found, Row, table, verify
from zones.records import Record
from zones.resolver import Resolver, Unanswered

Start = Callable[..., NameServer]
GOOD = "answers as it should"


def resolver(server: NameServer, seconds: float = 5.0) -> Resolver:
    return Resolver(["127.0.0.1"], port=server.port, seconds=seconds)


def test_the_table_says_what_a_providers_form_asks_for() -> None:
    records = [
        Record("example.com", "A", "203.0.113.7"),
        Record("*.pr.example.com", "AAAA", "2001:db8::7", 60),
    ]
    assert table(records, "example.com") == [
        Row("A", "@", "example.com", "203.0.113.7", 300),
        Row("AAAA", "*.pr", "*.pr.example.com", "2001:db8::7", 60),
    ]


def test_records_that_answer_are_found(nameserver: Start) -> None:
    server = nameserver(
        "shop A 203.0.113.7",
        "shop AAAA 2001:db8::7",
        "www CNAME shop.example.com.",
        '_x TXT "one" "two"',
        '_x TXT "somebody\'s"',
    )
    records = [
        Record("shop.example.com", "A", "203.0.113.7"),
        Record("shop.example.com", "AAAA", "2001:db8::7"),
        Record("www.example.com", "CNAME", "shop.example.com"),
        Record("_x.example.com", "TXT", "onetwo"),
    ]
    assert verify(records, resolver(server)) == [
        Found(records[0], ["203.0.113.7"], True, GOOD),
        Found(records[1], ["2001:db8::7"], True, GOOD),
        Found(records[2], ["shop.example.com"], True, GOOD),
        Found(records[3], ["onetwo", "somebody's"], True, GOOD),
    ]


def test_an_address_behind_a_cname_counts(nameserver: Start) -> None:
    server = nameserver("shop A 203.0.113.7", "www CNAME shop.example.com.")
    record = Record("www.example.com", "A", "203.0.113.7")
    assert verify([record], resolver(server)) == [Found(record, ["203.0.113.7"], True, GOOD)]


def test_a_wildcard_is_asked_for_by_a_name_that_nobody_knows(nameserver: Start) -> None:
    server = nameserver("*.pr A 203.0.113.7", "*.other A 203.0.113.9")
    record = Record("*.pr.example.com", "A", "203.0.113.7")
    for _ in range(2):
        assert verify([record], resolver(server)) == [Found(record, ["203.0.113.7"], True, GOOD)]
    assert len(set(server.asked)) == 2
    assert all(asked.endswith(".pr.example.com. A") for asked in server.asked)


def test_what_is_missing_wrong_or_too_much_is_told_apart(nameserver: Start) -> None:
    server = nameserver(
        "wrong A 198.51.100.1", "more A 203.0.113.7", "more A 198.51.100.1", "four A 203.0.113.7"
    )
    records = [
        Record("none.example.com", "A", "203.0.113.7"),
        Record("wrong.example.com", "A", "203.0.113.7"),
        Record("more.example.com", "A", "203.0.113.7"),
        Record("four.example.com", "AAAA", "2001:db8::7"),
    ]
    missing = "there is no such record yet: make it, then wait up to 300 s"
    assert verify(records, resolver(server)) == [
        Found(records[0], [], False, missing),
        Found(
            records[1],
            ["198.51.100.1"],
            False,
            "answers with 198.51.100.1: change it to 203.0.113.7",
        ),
        Found(
            records[2],
            ["198.51.100.1", "203.0.113.7"],
            False,
            "answers with 198.51.100.1 too: remove that, or visitors go there",
        ),
        Found(records[3], [], False, missing),
    ]


def test_several_addresses_of_one_name_are_asked_for_once(nameserver: Start) -> None:
    server = nameserver("shop A 203.0.113.7", "shop A 203.0.113.8")
    records = [Record("shop.example.com", "A", f"203.0.113.{last}") for last in (7, 8)]
    assert [found.ok for found in verify(records, resolver(server))] == [True, True]
    assert server.asked == ["shop.example.com. A"]


def test_servers_that_are_silent_or_fail_are_told_and_hold_up_nobody_else(
    nameserver: Start,
) -> None:
    server = nameserver("shop A 203.0.113.7", silent="deaf", broken="ill")
    records = [
        Record(f"{name}.example.com", "A", "203.0.113.7") for name in ("deaf", "ill", "shop")
    ]
    remedy = "check the domain's name servers, and whether this host reaches them"
    assert verify(records, resolver(server, seconds=0.3)) == [
        Found(records[0], [], False, f"no name server answered in time: {remedy}"),
        Found(records[1], [], False, f"no name server answered usefully (NoNameservers): {remedy}"),
        Found(records[2], ["203.0.113.7"], True, GOOD),
    ]


def test_a_domains_own_name_servers_are_found_and_asked(nameserver: Start) -> None:
    server = nameserver("@ NS ns.example.com.", "ns A 127.0.0.1", "shop A 203.0.113.7")
    own = resolver(server).own("shop.example.com")
    assert own.resolver.nameservers == ["127.0.0.1"]
    record = Record("shop.example.com", "A", "203.0.113.7")
    assert verify([record], own) == [Found(record, ["203.0.113.7"], True, GOOD)]


def test_a_domain_whose_name_servers_can_not_be_found_is_told(nameserver: Start) -> None:
    server = nameserver("@ NS ns.example.com.")
    with pytest.raises(Unanswered, match=r"no name server of example\.com could be found"):
        resolver(server).own("shop.example.com")
