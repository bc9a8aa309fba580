"""From the records that there are to those that are wanted: the steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stacks.errors import PortwrightError
from zones.provider import Change
from zones.records import Record

ADDRESSES = {"A", "AAAA"}
HOSTS = {*ADDRESSES, "CNAME"}


@dataclass(frozen=True)
class Held:
    """A record that a provider holds, of whatever type.

    ttl: None where it can't be told (proxied, automatic). record: None where it is no record
    that we would write.
    """

    id: str
    name: str
    type: str
    value: str
    ttl: int | None
    ours: bool
    record: Record | None


@dataclass(frozen=True)
class Step:
    """id: the provider's, empty for a new record."""

    change: Change
    id: str = ""


def steps(wanted: Sequence[Record], held: Sequence[Held]) -> list[Step]:
    """The steps that make it so. held: everything there is of the names wanted.

    Raises PortwrightError where somebody else's record is in the way.
    """
    for record in wanted:
        if record.type == "CNAME" and any(alone(record, other) for other in wanted):
            raise PortwrightError(
                "is wanted as a CNAME and as something else",
                remedy="choose one: a CNAME stands alone",
                path=record.name,
            )
        for other in held:
            if other.name == record.name and not other.ours and excludes(record, other):
                raise in_the_way(record, other)
    return [
        step
        for name in dict.fromkeys(record.name for record in wanted)
        for kind in (HOSTS, {"TXT"})
        for step in steps_of(
            [record for record in wanted if record.name == name and record.type in kind],
            [each for each in held if each.ours and each.name == name and each.type in kind],
        )
    ]


def alone(record: Record, other: Record) -> bool:
    return other.name == record.name and other != record


def excludes(record: Record, other: Held) -> bool:
    """A CNAME stands alone (RFC 1034, 3.6.2). Other people's addresses would share our visitors;
    their texts and mail servers do no harm."""
    if "CNAME" in (record.type, other.type):
        return True
    if record.type == "TXT":
        return (other.type, other.value) == ("TXT", record.value)
    return other.type in ADDRESSES


def in_the_way(record: Record, other: Held) -> PortwrightError:
    return PortwrightError(
        f"there is a record {other.type} {other.value}, which Portwright did not make",
        remedy="remove it at your DNS provider, or choose another name",
        path=record.name,
    )


def steps_of(wanted: list[Record], held: list[Held]) -> list[Step]:
    """For one name and kind. What only differs is changed in place, so that it always answers."""
    if not wanted:
        return []
    missing = list({(record.type, record.value): record for record in wanted}.values())
    left = []
    for each in held:
        same = [r for r in missing if (r.type, r.value) == (each.type, each.value)]
        if same and each.ttl in (None, same[0].ttl):
            missing.remove(same[0])
        else:
            left.append(each)
    swaps = any((r.type == "CNAME") != (each.type == "CNAME") for r in missing for each in left)
    changes = []
    for alike in (same_value, same_type):
        for record in list(missing):
            taken = next((each for each in left if alike(record, each)), None)
            if taken is not None:
                changes.append(Step(Change("change", record, taken.value), taken.id))
                left.remove(taken)
                missing.remove(record)
    makes = [Step(Change("make", record)) for record in missing]
    removes = list(removals(left))
    return [*removes, *changes, *makes] if swaps else [*changes, *makes, *removes]


def same_value(record: Record, each: Held) -> bool:
    return (record.type, record.value) == (each.type, each.value)


def same_type(record: Record, each: Held) -> bool:
    return record.type == each.type


def removals(held: Iterable[Held]) -> Iterable[Step]:
    for each in held:
        if each.ours and each.record is not None:
            yield Step(Change("remove", each.record), each.id)
