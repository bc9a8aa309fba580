"""Records of names that come and go: those that are wanted are made, those that are not any more go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stacks.errors import PortwrightError
from zones import manual
from zones.plan import wanted
from zones.provider import Away, Change, Provider
from zones.records import Record
from zones.resolver import Resolver


@dataclass(frozen=True)
class Kept:
    """How a name is. ok: it leads here, as far as is known; words: what a person reads."""

    ok: bool
    words: str


def keep(
    provider: Provider,
    domain: str,
    names: Sequence[str],
    addresses: Sequence[str],
    known: Collection[str],
    passing: Callable[[str], bool],
    done: list[Change],
) -> dict[str, Kept]:
    """Bring the provider up to date; returns how each name is then.

    names: those that are wanted. known: those that were told of before, whose records are taken
    away whatever they hold. passing: whether a name is of those that come and go; such a record of
    ours that nobody knows goes where it points to these addresses alone, since another host may
    have the same owner's mark. done: each change is added to it. A name that fails hinders no
    other one. Raises PortwrightError where the provider can't be asked; what was done stays so.
    """
    covering = provider.covered(domain)
    ours = defaultdict(list)
    for record in provider.listed():
        ours[record.name].append(record)
    found: dict[str, Kept] = {}
    for name in sorted(gone(ours, names, addresses, known, passing)):
        try:
            done += provider.remove([name])
        except Away:
            raise
        except PortwrightError as error:
            found[name] = Kept(False, f"its record could not be taken away: {told(error)}")
    for name in names:
        if covering:
            found[name] = Kept(True, f"{covering} answers for it")
            continue
        try:
            records = wanted(domain, addresses, False, [name])
            if sorted(records) != ours.get(name):
                done += provider.ensure(records)
            found[name] = Kept(True, "its record is made")
        except Away:
            raise
        except PortwrightError as error:
            found[name] = Kept(False, told(error))
    return found


def gone(
    ours: Mapping[str, list[Record]],
    names: Collection[str],
    addresses: Collection[str],
    known: Collection[str],
    passing: Callable[[str], bool],
) -> Iterable[str]:
    """Names whose records are to go. A known one that the list can't hold (the host's domain was
    another one) is asked for by its name."""
    for name in {*ours, *known} - set(names):
        if name in known:
            if name in ours or not passing(name):
                yield name
        elif passing(name) and {record.value for record in ours[name]} <= set(addresses):
            yield name


def seen(
    domain: str, names: Sequence[str], addresses: Sequence[str], resolver: Resolver
) -> dict[str, Kept]:
    """Without a provider: how the names answer, and which records a person is to make."""
    records = wanted(domain, addresses, False, names) if names else []
    missing = defaultdict(list)
    for each in manual.verify(records, resolver):
        if not each.ok:
            record = each.record
            missing[record.name].append(f"{record.type} {record.value}: {each.words}")
    return {
        name: Kept(False, "; ".join(missing[name])) if name in missing else Kept(True, "it answers")
        for name in names
    }


def told(error: PortwrightError) -> str:
    return f"{error.message}; {error.remedy}"
