"""Labels of hosts: what a project can be placed by, such as region=eu."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy.orm import Session

from jobs.models import Host
from jobs.records import record
from stacks.errors import PortwrightError

KEY = re.compile(r"[a-z]([a-z0-9._/-]{0,61}[a-z0-9])?")
VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
MOST = 32


def read(words: Iterable[str]) -> dict[str, str | None]:
    """`key=value` sets one, `key-` takes it away (None). Raises PortwrightError."""
    found: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            key = word.removesuffix("-") if word.endswith("-") else ""
        check(key, value if equals else None, word)
        found[key] = value if equals else None
    return found


def check(key: str, value: str | None, told: str) -> None:
    if not KEY.fullmatch(key) or not (value is None or VALUE.fullmatch(value)):
        raise PortwrightError(
            f"{told[:140]!r} is no label",
            remedy="write KEY=VALUE, or KEY- to take it away: letters, digits, '.', '_' and '-', "
            "up to 63 each",
            path="labels",
        )


def label(session: Session, host: Host, given: dict[str, str | None], *, by: str) -> None:
    """Set labels, and take those away whose value is None."""
    for key, value in given.items():
        check(key, value, f"{key}={value or ''}")
    kept = {**(host.labels or {}), **given}
    kept = {key: value for key, value in sorted(kept.items()) if value is not None}
    if len(kept) > MOST:
        raise PortwrightError(
            f"{host.name} would have {len(kept)} labels, which is more than {MOST}",
            remedy="take some away: KEY-",
            path="labels",
        )
    host.labels = kept
    record(session, by, "host.labelled", None, host=host.name, labels=kept)
    session.commit()
