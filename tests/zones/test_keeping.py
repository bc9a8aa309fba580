"""Records of names that come and go, at a stand-in of Cloudflare's and looked up by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pytest
from cloudflare_standin import StandIn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nameserver import NameServer

from zones.cloudflare.provider import Cloudflare
from zones.keeping import Kept, keep, seen
from zones.provider import Away, Change
from zones.resolver import Resolver

DOMAIN, HERE = "apps.example.com", "203.0.113.7"
SEVEN, EIGHT = f"pr-7-shop.{DOMAIN}", f"pr-8-shop.{DOMAIN}"
OURS, OTHERS = "portwright:pw", "portwright:other"
MADE = Kept(True, "its record is made")


def passing(name: str) -> bool:
    return name.startswith("pr-") and name.endswith(f"-shop.{DOMAIN}")


def kept(
    provider: Cloudflare,
    names: Sequence[str],
    known: Collection[str] = (),
    addresses: Sequence[str] = (HERE,),
) -> tuple[dict[str, Kept], list[str]]:
    done: list[Change] = []
    found = keep(provider, DOMAIN, names, addresses, known, passing, done)
    return found, [f"{each.action} {each.record.name}" for each in done]


def test_what_is_wanted_is_made_once_and_goes_when_it_is_not(
    standin: StandIn, provider: Cloudflare
) -> None:
    assert kept(provider, [SEVEN, EIGHT]) == (
        {SEVEN: MADE, EIGHT: MADE}, [f"make {SEVEN}", f"make {EIGHT}"],
    )  # fmt: skip
    assert standin.shown() == [f"{each} A {HERE} 300 {OURS}" for each in (SEVEN, EIGHT)]
    standin.calls.clear()
    assert kept(provider, [SEVEN, EIGHT], [SEVEN, EIGHT]) == ({SEVEN: MADE, EIGHT: MADE}, [])
    assert {call.split()[0] for call in standin.calls} == {"GET"}
    assert kept(provider, [EIGHT], [SEVEN, EIGHT]) == ({EIGHT: MADE}, [f"remove {SEVEN}"])
    assert kept(provider, []) == ({}, [f"remove {EIGHT}"])  # also where nobody knew of it
    assert standin.shown() == []


def test_a_host_that_moves_takes_its_records_along(standin: StandIn, provider: Cloudflare) -> None:
    kept(provider, [SEVEN, EIGHT])
    moved = ["198.51.100.4", "2001:db8::4"]
    found, done = kept(provider, [SEVEN], [SEVEN, EIGHT], moved)
    assert found == {SEVEN: MADE} and f"remove {EIGHT}" in done
    assert standin.shown() == [
        f"{SEVEN} A 198.51.100.4 300 {OURS}", f"{SEVEN} AAAA 2001:db8::4 300 {OURS}",
    ]  # fmt: skip


def test_nobody_elses_record_is_touched(standin: StandIn, provider: Cloudflare) -> None:
    """Not what a person made, not another host's, not ours of another kind or address."""
    standin.add_record(SEVEN, "A", HERE)
    standin.add_record(EIGHT, "A", HERE, comment=OTHERS)
    standin.add_record(f"pr-9-shop.{DOMAIN}", "A", "198.51.100.4", comment=OURS)
    standin.add_record(f"web.shop.{DOMAIN}", "A", HERE, comment=OURS)
    standin.add_record(DOMAIN, "A", HERE, comment=OURS)
    before = standin.shown()
    found, done = kept(provider, [SEVEN], [EIGHT])
    assert done == [] and standin.shown() == before
    assert not found[SEVEN].ok and "which Portwright did not make" in found[SEVEN].words


@pytest.mark.parametrize(
    ("name", "kind", "value", "answers"),
    [
        (f"*.{DOMAIN}", "A", HERE, f"*.{DOMAIN}"),
        (f"*.{DOMAIN}", "CNAME", "host.example.net", f"*.{DOMAIN}"),
        (f"*.{DOMAIN}", "TXT", "words", ""),
        ("*.example.com", "A", HERE, "*.example.com"),
        ("*.other.example.com", "A", HERE, ""),
    ],
)
def test_where_a_wildcard_answers_nothing_is_made(
    standin: StandIn, provider: Cloudflare, name: str, kind: str, value: str, answers: str
) -> None:
    standin.add_record(name, kind, value)
    found, done = kept(provider, [SEVEN])
    covered = Kept(True, f"{answers} answers for it")
    assert (found, done) == (
        ({SEVEN: covered}, []) if answers else ({SEVEN: MADE}, [f"make {SEVEN}"])
    )


def test_a_domain_with_a_record_of_its_own_is_not_covered_from_above(
    standin: StandIn, provider: Cloudflare
) -> None:
    standin.add_record("*.example.com", "A", HERE)
    standin.add_record(DOMAIN, "A", HERE)
    assert kept(provider, [SEVEN])[1] == [f"make {SEVEN}"]


def test_records_from_before_the_wildcard_go_with_their_names(
    standin: StandIn, provider: Cloudflare
) -> None:
    kept(provider, [SEVEN, EIGHT])
    standin.add_record(f"*.{DOMAIN}", "A", HERE)
    assert kept(provider, [SEVEN], [SEVEN, EIGHT])[1] == [f"remove {EIGHT}"]


def test_one_that_fails_hinders_no_other(standin: StandIn, provider: Cloudflare) -> None:
    standin.add_record(SEVEN, "CNAME", "elsewhere.example.net")
    long = f"pr-9-{'x' * 70}-shop.{DOMAIN}"
    found, done = kept(provider, [SEVEN, EIGHT, long])
    assert done == [f"make {EIGHT}"] and found[EIGHT] == MADE
    assert "CNAME elsewhere.example.net" in found[SEVEN].words
    assert "is no name for a record" in found[long].words


def test_a_token_that_may_not_write_is_told_for_each(
    standin: StandIn, provider: Cloudflare
) -> None:
    kept(provider, [SEVEN])
    for token in standin.tokens.values():
        token.writes = False
    found, done = kept(provider, [EIGHT], [SEVEN])
    assert done == [] and set(found) == {SEVEN, EIGHT}
    assert found[SEVEN].words.startswith("its record could not be taken away: Cloudflare refused")
    assert "Zone → DNS → Edit" in found[EIGHT].words


def test_a_provider_that_is_away_is_asked_no_further(
    standin: StandIn, provider: Cloudflare
) -> None:
    standin.bad = [(502, {}, "")] * 4
    with pytest.raises(Away, match="HTTP 502"):
        kept(provider, [SEVEN, EIGHT])
    assert len(standin.calls) == 4
    assert kept(provider, [SEVEN])[1] == [f"make {SEVEN}"]


def test_names_of_a_domain_from_before_go_too(standin: StandIn, provider: Cloudflare) -> None:
    old = "pr-7-shop.old.example.com"
    standin.add_record(old, "A", HERE, comment=OURS)
    assert kept(provider, [], [old]) == ({}, [f"remove {old}"])


NAMES = st.sampled_from([f"pr-{n}-shop.{DOMAIN}" for n in range(5)] + [f"web.{DOMAIN}"])


@given(
    theirs=st.lists(st.tuples(NAMES, st.sampled_from([None, "", OTHERS, OURS + "x"])), max_size=6),
    steps=st.lists(st.lists(NAMES, max_size=5, unique=True), min_size=1, max_size=4),
    known=st.lists(NAMES | st.text(max_size=20), max_size=4),
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_wanted_in_a_row_what_is_not_ours_stays_and_what_is_goes(
    standin: StandIn,
    provider: Cloudflare,
    theirs: list[tuple[str, str | None]],
    steps: list[list[str]],
    known: list[str],
) -> None:
    standin.records.clear()
    for name, comment in theirs:
        standin.add_record(name, "A", "198.51.100.9", comment=comment)
    foreign = standin.shown()
    for names in [*steps, []]:
        found, _ = kept(provider, names, [*known, *NAMES_EVER])
        ours = {line.split()[0] for line in standin.shown() if line.endswith(f" {OURS}")}
        assert ours == {name for name in names if found[name].ok}
        assert [line for line in standin.shown() if not line.endswith(f" {OURS}")] == foreign


NAMES_EVER = [f"web.{DOMAIN}"]


def test_by_hand_it_is_said_which_record_is_missing(
    nameserver: Callable[..., NameServer],
) -> None:
    server = nameserver(f"pr-7-shop.apps A {HERE}")
    resolver = Resolver(["127.0.0.1"], port=server.port, seconds=1.0)
    assert seen(DOMAIN, [], [HERE], resolver) == {}
    assert seen(DOMAIN, [SEVEN, EIGHT], [HERE], resolver) == {
        SEVEN: Kept(True, "it answers"),
        EIGHT: Kept(
            False,
            f"A {HERE}: there is no such record yet: make it, then wait up to 300 s",
        ),
    }
