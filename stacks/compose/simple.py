"""The keys of a Compose service whose value only has to be written in our way."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stacks.compose.load import listed
from stacks.compose.values import duration, file_size, memory

if TYPE_CHECKING:
    from stacks.compose.convert import One


def text(one: One, key: str, value: Any) -> None:
    one.kept(key, key, str(value))


def argv(one: One, key: str, value: Any) -> None:
    """Compose splits a text as a shell would, and runs no shell."""
    try:
        items = (
            [str(item) for item in value] if isinstance(value, list) else shlex.split(str(value))
        )
    except ValueError as error:
        one.note(key, "refused", f"can't be split into arguments: {error}")
        return
    if items:
        one.kept(key, key, items)
    else:
        one.note(key, "changed", "is empty: the image's is used")


def flag(one: One, key: str, value: Any) -> None:
    if value in (True, "true"):
        one.kept(key, key, True)


def scale(one: One, key: str, value: Any) -> None:
    count = int(value) if str(value).isdecimal() else 1
    if count < 1:
        one.note(key, "changed", "none at all is not possible here: one")
    one.kept(key, "replicas", min(max(count, 1), 20))


def restart(one: One, key: str, value: Any) -> None:
    if one.name in one.whole.jobs:
        return
    policy = str(value).partition(":")[0]
    if value is False or policy in ("no", "False", "false"):
        one.note(key, "changed", "unless-stopped: a service stays up; `no` is for jobs")
    elif policy in ("always", "unless-stopped", "on-failure"):
        if policy != "unless-stopped":
            one.out["restart"] = policy
        changed = ":" in str(value)
        one.note(key, "changed" if changed else "kept", "without a count" if changed else "")
    else:
        one.note(key, "ignored", "is no policy")


def grace(one: One, key: str, value: Any) -> None:
    wanted = duration(value)
    if wanted:
        one.kept(key, "stop_grace", wanted)
    else:
        one.note(key, "ignored", f"{value!r} is no duration")


def limit(kind: str, which: str) -> Callable[[One, str, Any], None]:
    def put(one: One, key: str, value: Any) -> None:
        try:
            amount: Any = (
                memory(value)
                if which == "memory"
                else max(0.01, float(value))
                if which == "cpu"
                else int(value)
            )
        except (TypeError, ValueError):
            amount = None
        if amount is None or amount == -1:
            one.note(key, "ignored", f"{value!r} is no amount")
        elif amount:
            one.out.setdefault("resources", {}).setdefault(kind, {})[which] = amount
            one.note(key, "kept", f"as resources.{kind}.{which}")

    return put


def size(one: One, key: str, value: Any) -> None:
    amount = memory(value)
    if amount:
        one.kept(key, key, amount)
    else:
        one.note(key, "ignored", f"{value!r} is no size")


def tmpfs(one: One, key: str, value: Any) -> None:
    paths = [str(item).partition(":")[0] for item in listed(value)]
    one.out["tmpfs"] = sorted({*one.out.get("tmpfs", []), *paths})
    options = any(":" in str(item) for item in listed(value))
    one.note(key, "changed" if options else "kept", "without options" if options else "")


def logging(one: One, key: str, value: Any) -> None:
    driver = value.get("driver") if isinstance(value, dict) else None
    options = (value.get("options") or {}) if isinstance(value, dict) else {}
    if driver not in (None, "json-file", "local"):
        one.note(f"{key}.driver", "changed", "logs are kept here, by the engine's local driver")
    found: dict[str, Any] = {}
    if options.get("max-size") and file_size(options["max-size"]):
        found["max_size"] = file_size(options["max-size"])
    if str(options.get("max-file", "")).isdecimal():
        found["max_files"] = min(max(int(options["max-file"]), 1), 20)
    if found:
        one.kept(key, "logs", found)
