"""DNS by hand: the records for a person to make, and whether they answer."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from zones.records import Record, Type, host_name
from zones.resolver import Resolver, Unanswered

AT_ONCE = 8


@dataclass(frozen=True)
class Row:
    """What a provider's form asks for. host: the name under the zone, `@` for the zone itself."""

    type: Type
    host: str
    name: str
    value: str
    ttl: int


@dataclass(frozen=True)
class Found:
    """seen: every value that the name answers with; words: what that means."""

    record: Record
    seen: list[str]
    ok: bool
    words: str


def table(records: Sequence[Record], zone: str) -> list[Row]:
    """zone: the domain whose records are edited at the provider, such as example.com."""
    zone = host_name(zone, "zone")
    return [
        Row(record.type, within(record.name, zone), record.name, record.value, record.ttl)
        for record in records
    ]


def within(name: str, zone: str) -> str:
    return "@" if name == zone else name.removesuffix(f".{zone}")


def verify(records: Sequence[Record], resolver: Resolver) -> list[Found]:
    """Look each record up, a name and type once. A wildcard is asked for by a random name under
    it, which no cache holds. Never raises: who does not answer is told of in words."""
    asked = list(dict.fromkeys((record.name, record.type) for record in records))
    with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
        answers = dict(
            zip(asked, threads.map(lambda each: look(resolver, *each), asked), strict=True)
        )
    return [judge(record, records, answers[record.name, record.type]) for record in records]


def look(resolver: Resolver, name: str, kind: Type) -> list[str] | Unanswered:
    asked = f"portwright-{secrets.token_hex(6)}{name.removeprefix('*')}" if name[0] == "*" else name
    try:
        return resolver.seen(asked, kind)
    except Unanswered as error:
        return error


def judge(record: Record, records: Sequence[Record], answer: list[str] | Unanswered) -> Found:
    """Other values beside ours are an error for addresses, which would share the visitors, and
    none for texts."""
    if isinstance(answer, Unanswered):
        return Found(record, [], False, f"{answer.message}: {answer.remedy}")
    wanted = {r.value for r in records if (r.name, r.type) == (record.name, record.type)}
    strange = [value for value in answer if value not in wanted and record.type != "TXT"]
    there = record.value in answer
    if there and not strange:
        return Found(record, answer, True, "answers as it should")
    if not answer:
        words = f"there is no such record yet: make it, then wait up to {record.ttl} s"
    elif not there:
        words = f"answers with {', '.join(answer)}: change it to {record.value}"
    else:
        words = f"answers with {', '.join(strange)} too: remove that, or visitors go there"
    return Found(record, answer, False, words)
