"""From what there is to what is wanted: few steps, nobody else's records, nothing the second time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.errors import PortwrightError
from zones.provider import Change
from zones.reconcile import Held, Step, excludes, steps
from zones.records import Record, Type

NAMES = ["a.example.com", "*.example.com"]
VALUES: dict[Type, list[str]] = {
    "A": ["203.0.113.1", "203.0.113.2", "203.0.113.3"],
    "AAAA": ["2001:db8::1", "2001:db8::2"],
    "CNAME": ["x.example.net", "y.example.net"],
    "TXT": ["one", "two"],
}
KINDS: list[Type] = ["A", "AAAA", "CNAME", "TXT"]


def held(number: int, record: Record, ours: bool = True) -> Held:
    return Held(str(number), record.name, record.type, record.value, record.ttl, ours, record)


def record(kind: Type, value: str, ttl: int = 300) -> Record:
    return Record("a.example.com", kind, value, ttl)


def records() -> st.SearchStrategy[Record]:
    kinds = st.sampled_from(KINDS)
    ttls = st.sampled_from([60, 300])
    return kinds.flatmap(
        lambda kind: st.builds(
            Record, st.sampled_from(NAMES), st.just(kind), st.sampled_from(VALUES[kind]), ttls
        )
    )


def distinct() -> st.SearchStrategy[list[Record]]:
    return st.lists(records(), max_size=8, unique_by=lambda r: (r.name, r.type, r.value))


def done(there: list[Held], taken: list[Step]) -> list[Held]:
    """A provider that refuses what providers refuse: two alike, and a CNAME beside a host."""
    now = {each.id: each for each in there}
    for number, step in enumerate(taken, start=1000):
        change = step.change
        if change.action == "make":
            now[str(number)] = held(number, change.record)
        elif change.action == "change":
            assert now[step.id].value == change.before
            now[step.id] = held(int(step.id), change.record)
        else:
            assert now.pop(step.id).record == change.record
        for name in NAMES:
            kinds = {e.type for e in now.values() if e.name == name and e.type != "TXT"}
            assert "CNAME" not in kinds or kinds == {"CNAME"}
        alike = [(e.name, e.type, e.value) for e in now.values()]
        assert len(set(alike)) == len(alike)
    return list(now.values())


def zone_like(found: list[Record]) -> list[Record]:
    """Of each name the CNAME alone, where there is one: so is every zone."""
    alone = {each.name: each for each in found if each.type == "CNAME"}
    return [each for each in found if alone.get(each.name, each) == each]


@given(distinct(), distinct(), distinct())
def test_the_steps_lead_there_touch_only_ours_and_are_none_the_second_time(
    mine: list[Record], others: list[Record], wanted: list[Record]
) -> None:
    wanted = zone_like(wanted)
    hosts = {each.name for each in (*mine, *wanted) if each.type == "CNAME"}
    mine = zone_like([each for each in mine if each.type != "TXT" or each.name not in hosts])
    wanted = [each for each in wanted if each.type != "TXT" or each.name not in hosts]
    alike = {(each.name, each.type, each.value) for each in mine}
    foreign = [
        theirs
        for number, each in enumerate(others, start=500)
        if (each.name, each.type, each.value) not in alike
        and not any(excludes(r, held(number, each, ours=False)) for r in (*wanted, *mine))
        for theirs in [held(number, each, ours=False)]
    ]
    there = [*foreign, *(held(number, each) for number, each in enumerate(mine))]
    after = done(there, steps(wanted, there))
    assert [each for each in after if not each.ours] == foreign
    ours = {each.record for each in after if each.ours and each.record}
    kinds = {(each.name, each.type == "TXT") for each in wanted}
    over = {each for each in ours if (each.name, each.type == "TXT") in kinds}
    assert over == set(wanted)
    assert ours - over == {each for each in mine if (each.name, each.type == "TXT") not in kinds}
    assert steps(wanted, after) == []


def test_a_new_address_is_changed_in_place_so_that_the_name_always_answers() -> None:
    there = [held(1, record("A", "203.0.113.1")), held(2, record("A", "203.0.113.2"))]
    new = record("A", "203.0.113.3")
    assert steps([new], there) == [
        Step(Change("change", new, "203.0.113.1"), "1"),
        Step(Change("remove", record("A", "203.0.113.2")), "2"),
    ]


def test_a_cname_goes_before_an_address_comes() -> None:
    there = [held(1, record("CNAME", "x.example.net"))]
    new = record("A", "203.0.113.3")
    assert [step.change.action for step in steps([new], there)] == ["remove", "make"]


def test_other_peoples_texts_and_mail_servers_are_no_hindrance() -> None:
    mail = Held("1", "a.example.com", "MX", "mail.example.net", 300, False, None)
    text = held(2, record("TXT", "v=spf1 -all"), ours=False)
    new = record("A", "203.0.113.3")
    assert steps([new], [mail, text]) == [Step(Change("make", new))]


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        (record("A", "203.0.113.1"), record("A", "203.0.113.1")),
        (record("A", "203.0.113.1"), record("AAAA", "2001:db8::1")),
        (record("A", "203.0.113.1"), record("CNAME", "x.example.net")),
        (record("CNAME", "x.example.net"), record("TXT", "one")),
        (record("TXT", "one"), record("TXT", "one")),
        (record("TXT", "one"), record("CNAME", "x.example.net")),
    ],
)
def test_somebody_elses_record_in_the_way_is_named(wanted: Record, other: Record) -> None:
    with pytest.raises(PortwrightError) as refused:
        steps([wanted], [held(1, other, ours=False)])
    assert str(refused.value) == (
        f"a.example.com: there is a record {other.type} {other.value}, "
        "which Portwright did not make"
    )


def test_a_cname_beside_something_else_can_not_be_wanted() -> None:
    with pytest.raises(PortwrightError, match="a CNAME and as something else"):
        steps([record("CNAME", "x.example.net"), record("TXT", "one")], [])
