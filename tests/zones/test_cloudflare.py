"""Records at Cloudflare: made once, only ours touched, others' refused in words."""

from __future__ import annotations

import pytest
from cloudflare_standin import StandIn

from stacks.errors import PortwrightError
from zones.cloudflare.provider import Cloudflare
from zones.cloudflare.wire import plain, quoted
from zones.provider import Change
from zones.records import Record

FOUR = Record("*.pr.example.com", "A", "203.0.113.7", 60)
SIX = Record("*.pr.example.com", "AAAA", "2001:db8::7", 60)


def writes(standin: StandIn) -> list[str]:
    return [call for call in standin.calls if not call.startswith("GET")]


def test_records_are_made_and_the_second_time_nothing_is_done(
    provider: Cloudflare, standin: StandIn
) -> None:
    changes = [Change("make", FOUR), Change("make", SIX)]
    assert provider.preview([FOUR, SIX]) == changes
    assert standin.shown() == []
    assert provider.ensure([FOUR, SIX]) == changes
    assert standin.shown() == [
        "*.pr.example.com A 203.0.113.7 60 portwright:pw",
        "*.pr.example.com AAAA 2001:db8::7 60 portwright:pw",
    ]
    done = writes(standin)
    assert provider.ensure([FOUR, SIX]) == []
    assert writes(standin) == done


def test_what_differs_is_changed_and_what_is_over_goes(
    provider: Cloudflare, standin: StandIn
) -> None:
    provider.ensure([FOUR, SIX])
    moved = Record(FOUR.name, "A", "203.0.113.8", 60)
    assert provider.ensure([moved]) == [
        Change("change", moved, "203.0.113.7"),
        Change("remove", SIX),
    ]
    assert standin.shown() == ["*.pr.example.com A 203.0.113.8 60 portwright:pw"]


def test_a_proxy_that_somebody_turned_on_stays_on(provider: Cloudflare, standin: StandIn) -> None:
    provider.ensure([FOUR])
    for record in standin.records.values():
        record.update(proxied=True, ttl=1)
    assert provider.ensure([FOUR]) == []
    provider.ensure([Record(FOUR.name, "A", "203.0.113.8", 60)])
    assert [record["proxied"] for record in standin.records.values()] == [True]


def test_somebody_elses_record_is_refused_before_anything_is_touched(
    provider: Cloudflare, standin: StandIn
) -> None:
    standin.add_record("www.example.com", "A", "198.51.100.1", comment="the old server")
    standin.add_record("pw2.example.com", "A", "198.51.100.2", comment="portwright:pw2")
    for name in ("www.example.com", "pw2.example.com"):
        with pytest.raises(PortwrightError, match="which Portwright did not make") as refused:
            provider.ensure([FOUR, Record(name, "A", "203.0.113.7")])
        assert refused.value.path == name
    assert writes(standin) == []
    assert provider.remove(["www.example.com", "pw2.example.com"]) == []
    assert len(standin.records) == 2


def test_removing_takes_all_of_ours_of_the_name_and_leaves_the_rest(
    provider: Cloudflare, standin: StandIn
) -> None:
    standin.add_record("example.com", "MX", "mail.example.net", priority=10)
    standin.add_record("example.com", "TXT", '"v=spf1 -all"')
    own = Record("example.com", "A", "203.0.113.7")
    provider.ensure([FOUR, own])
    assert provider.remove([own.name, "nothing.example.com"]) == [Change("remove", own)]
    assert provider.listed() == [FOUR]
    assert standin.shown() == [
        "*.pr.example.com A 203.0.113.7 60 portwright:pw",
        "example.com MX mail.example.net 1 None",
        'example.com TXT "v=spf1 -all" 1 None',
    ]


def test_ours_are_listed_over_all_pages(provider: Cloudflare, standin: StandIn) -> None:
    own = [Record(f"pr-{number}.example.com", "A", "203.0.113.7") for number in range(7)]
    standin.add_record("www.example.com", "A", "198.51.100.1")
    provider.ensure(own)
    assert provider.listed() == own


def test_the_zone_is_that_of_the_longest_suffix(provider: Cloudflare, standin: StandIn) -> None:
    inner = standin.add_zone("pr.example.com")
    standin.tokens["tok-3nLx_pVt9QwZr7YbKc2MhGd5"].zones.add("pr.example.com")
    provider.ensure([FOUR])
    assert [record["zone"] for record in standin.records.values()] == [inner]


def test_a_name_in_no_zone_that_the_token_sees_is_told(provider: Cloudflare) -> None:
    with pytest.raises(PortwrightError) as refused:
        provider.ensure([Record("shop.example.org", "A", "203.0.113.7")])
    assert refused.value.path == "shop.example.org"
    assert "add example.org to Cloudflare" in refused.value.remedy


def test_texts_are_quoted_on_the_wire_only(provider: Cloudflare, standin: StandIn) -> None:
    text = Record("_x.example.com", "TXT", 'say "hi" \\ ' + "x" * 300)
    provider.ensure([text])
    content = next(iter(standin.records.values()))["content"]
    assert [len(part) for part in content.split('" "')] == [259, 57]
    assert provider.ensure([text]) == []
    assert provider.listed() == [text]
    assert plain(quoted(text.value)) == text.value
    assert plain("bare") == "bare"
