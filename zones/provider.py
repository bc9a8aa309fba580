"""What every provider of DNS can do for us, and the words that it answers in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from stacks.errors import PortwrightError
from zones.records import Record


class Away(PortwrightError):
    """The provider does not answer now: what is left to do waits."""


@dataclass(frozen=True)
class Change:
    """One step. before: for `change` the value that it had."""

    action: Literal["make", "change", "remove"]
    record: Record
    before: str = ""


@dataclass(frozen=True)
class Checked:
    """Whether a provider can be used; remedy is empty where it can."""

    ok: bool
    message: str
    remedy: str = ""


class Provider(Protocol):
    """Makes records and takes them away again. Touches only what it made itself.

    All raise PortwrightError, except check, which tells.
    """

    def preview(self, records: Sequence[Record]) -> list[Change]:
        """What ensure would do; changes nothing."""
        ...

    def ensure(self, records: Sequence[Record]) -> list[Change]:
        """Make these records so; returns what was done, nothing the second time.

        Of each name given, our other records of the same kind (addresses and CNAME, or TXT)
        go. Refused, before anything is touched, where somebody else's record is in the way.
        """
        ...

    def remove(self, names: Sequence[str]) -> list[Change]:
        """Remove our records of these names; other people's stay."""
        ...

    def listed(self) -> list[Record]:
        """Our records, sorted."""
        ...

    def covered(self, domain: str) -> str:
        """The wildcard, whosever it is, that answers for names right under a domain; '' for none."""
        ...

    def check(self) -> Checked:
        """Whether the credentials work, the zone is there and may be written."""
        ...
