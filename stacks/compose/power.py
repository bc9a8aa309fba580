"""Power over the host: taken over into `host:` only where the host's owner will allow it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stacks.compose.load import listed

if TYPE_CHECKING:
    from stacks.compose.convert import One

FLAGS = {"privileged": ("privileged", (True, "true")), "network_mode": ("network", ("host",)),
         "pid": ("pid", ("host",)), "ipc": ("ipc", ("host",))}  # fmt: skip
REASON = "under host: the host's owner must allow it for the project"


def power(one: One, key: str, value: Any) -> bool:
    """True where it was taken over."""
    host = one.out.setdefault("host", {})
    if key in FLAGS and value in FLAGS[key][1]:
        host[FLAGS[key][0]] = True
    elif key == "cap_add":
        host["capabilities"] = [str(item).upper() for item in listed(value)]
    elif key == "devices" and all(isinstance(item, str) for item in listed(value)):
        host["devices"] = [item.partition(":")[0] for item in listed(value)]
    else:
        if not host:
            del one.out["host"]
        return False
    one.note(key, "changed", REASON)
    return True


def bind(one: One, path: str, source: object, target: str, read_only: bool) -> bool:
    """A path of the host; True where it was taken over."""
    if not one.whole.allow_host or not re.fullmatch(r"/[A-Za-z0-9._/@+-]*", str(source)):
        return False
    entry = {"source": str(source), "target": target, "read_only": read_only}
    one.out.setdefault("host", {}).setdefault("mounts", []).append(entry)
    one.note(path, "changed", REASON)
    return True
