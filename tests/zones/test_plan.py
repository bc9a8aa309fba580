"""Which records previews and projects need."""

from __future__ import annotations

import pytest

from stacks.errors import PortwrightError
from zones.plan import wanted
from zones.records import Record

BOTH = ["2001:db8::7", "203.0.113.7"]


def test_a_wildcard_stands_for_every_name_with_each_address_of_its_family() -> None:
    assert wanted("Example.com", BOTH, True, ["pr-7.example.com", "pr-8.example.com"]) == [
        Record("*.example.com", "A", "203.0.113.7"),
        Record("*.example.com", "AAAA", "2001:db8::7"),
    ]


def test_a_wildcard_does_not_answer_for_the_domain_itself() -> None:
    assert wanted("example.com", ["203.0.113.7"], True, ["example.com", "pr-7.example.com"]) == [
        Record("*.example.com", "A", "203.0.113.7"),
        Record("example.com", "A", "203.0.113.7"),
    ]


def test_without_one_each_name_has_its_own_records_once() -> None:
    names = ["pr-8.example.com", "pr-7.example.com", "PR-7.example.com."]
    assert wanted("example.com", [*BOTH, "203.0.113.7"], False, names, ttl=60) == [
        Record("pr-7.example.com", "A", "203.0.113.7", 60),
        Record("pr-7.example.com", "AAAA", "2001:db8::7", 60),
        Record("pr-8.example.com", "A", "203.0.113.7", 60),
        Record("pr-8.example.com", "AAAA", "2001:db8::7", 60),
    ]


@pytest.mark.parametrize(
    ("domain", "addresses", "names", "path"),
    [
        ("example", BOTH, [], "domain"),
        ("*.example.com", BOTH, [], "domain"),
        ("example.com", [], [], "addresses"),
        ("example.com", ["host.example.com"], [], "addresses"),
        ("example.com", BOTH, ["pr-7"], "names"),
        ("example.com", BOTH, ["pr-7.badexample.com"], "names"),
        ("example.com", BOTH, ["*.example.com"], "names"),
    ],
)
@pytest.mark.parametrize("wildcard", [True, False])
def test_what_can_not_be_is_refused_by_field(
    domain: str, addresses: list[str], names: list[str], path: str, wildcard: bool
) -> None:
    with pytest.raises(PortwrightError) as refused:
        wanted(domain, addresses, wildcard, names)
    assert refused.value.path == path
