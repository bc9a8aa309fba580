"""`volumes` of a Compose service: named ones are kept, paths of the host are not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stacks.compose.load import listed
from stacks.compose.names import usable
from stacks.compose.power import bind
from stacks.fields import mount_path

if TYPE_CHECKING:
    from stacks.compose.convert import One


def volumes(one: One, key: str, value: Any) -> None:
    for index, item in enumerate(listed(value)):
        path = f"{key}[{index}]"
        source, target, kind, mode = mount(item)
        if kind == "bind" and bind(one, path, source, target, mode):
            continue
        if "docker.sock" in str(source):
            one.note(path, "refused", "whoever has the engine's socket is root on the host")
        elif kind == "tmpfs":
            one.out.setdefault("tmpfs", []).append(target)
            one.note(path, "kept", "as tmpfs")
        elif kind != "volume":
            one.note(
                path, "refused", "a path of the host: put files into the image, data into a volume"
            )
        elif target == "/dev/shm" or not allowed(target):
            one.note(path, "refused", f"{target!r} is no path for a volume")
        else:
            volume(one, path, source, target)
            if mode:
                one.note(path, "changed", "can be written: a volume has one service")


def mount(item: Any) -> tuple[str | None, str, str, bool]:
    """Source, target, kind and whether it is read-only."""
    if isinstance(item, dict):
        kind = str(item.get("type", "volume"))
        source = item.get("source")
        return source, str(item.get("target")), kind, bool(item.get("read_only"))
    parts = str(item).split(":")
    if len(parts) == 1:
        return None, parts[0], "volume", False
    if re.fullmatch(r"[A-Za-z]", parts[0]):
        return parts[0], parts[-1], "bind", False
    kind = "bind" if re.match(r"[./~$]", parts[0]) or "/" in parts[0] else "volume"
    return parts[0], parts[1], kind, len(parts) > 2 and "ro" in parts[2].split(",")


def volume(one: One, path: str, source: str | None, target: str) -> None:
    top = (one.whole.loaded.top.get("volumes") or {}).get(source) or {}
    owner = one.whole.volumes.setdefault(source, one.name) if source else one.name
    mounts = one.out.setdefault("volumes", {})
    if top.get("external") or top.get("driver_opts") or top.get("driver") not in (None, "local"):
        one.note(path, "refused", "an external volume, or one with a driver, is the host's")
    elif owner != one.name:
        one.note(path, "refused", f"is {owner}'s volume: only one service can write to it")
    elif target in mounts.values():
        one.note(path, "ignored", f"{target} is mounted already")
    else:
        wanted = source or target.strip("/").replace("/", "-")
        key = usable(wanted, mounts, "data")
        mounts[key] = target
        changed = key != source
        one.note(
            path, "changed" if changed else "kept", f"the volume is called {key}" if changed else ""
        )


def allowed(target: str) -> bool:
    try:
        mount_path(target)
    except ValueError:
        return False
    return True
