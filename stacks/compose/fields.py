"""The keys of a Compose service that need more than a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stacks.compose.interpolate import Unset
from stacks.compose.load import listed, pairs
from stacks.compose.simple import limit, scale
from stacks.compose.values import duration
from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError
from stacks.fields import HOST
from stacks.names import ENV_NAME, VARIABLE

if TYPE_CHECKING:
    from stacks.compose.convert import One

TRAEFIK_HOST = re.compile(r"Host(?:SNI)?\(([^)]*)\)")
FILE_SECRET = re.compile(r"/run/secrets/([A-Za-z0-9_.-]+)")


def image(one: One, key: str, value: Any) -> None:
    try:
        Reference.parse(str(value))
    except PortwrightError as error:
        one.note(key, "refused", error.message)
        return
    if "build" in one.given:
        one.note(key, "ignored", "the image is built, and Portwright names it")
    else:
        one.kept(key, key, str(value))


def environment(one: One, key: str, value: Any) -> None:
    env: dict[str, Any] = {}
    for name, item in (value if isinstance(value, dict) else pairs(listed(value))).items():
        path = f"{key}.{name}"
        secret = FILE_SECRET.fullmatch(str(item)) if str(name).endswith("_FILE") else None
        if not VARIABLE.fullmatch(str(name)):
            one.note(path, "refused", "is no usable name of a variable")
        elif secret and ENV_NAME.fullmatch(secret[1].replace("-", "_").replace(".", "_")):
            kept = secret[1].replace("-", "_").replace(".", "_")
            env[str(name).removesuffix("_FILE")] = {"secret": kept}
            one.note(path, "changed", f"the variable itself, from the secret {kept}")
        elif item is None or isinstance(item, Unset):
            kept = re.sub(r"[^A-Za-z0-9_]", "_", str(item or name))
            env[str(name)] = {"secret": kept}
            one.note(path, "changed", f"has no value here: the secret {kept}")
        else:
            env[str(name)] = plain(one, path, item)
    if env:
        one.kept(key, "env", env)


def plain(one: One, path: str, item: Any) -> str:
    said = str(item).lower() if isinstance(item, bool) else str(item)
    named = one.whole.names.in_text(said)
    if named != said:
        one.note(path, "changed", "names a service by its new name")
    return named.replace("${", "$${")


CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


def depends_on(one: One, key: str, value: Any) -> None:
    made: dict[str, Any] = {}
    for name, how in value.items():
        how = how or {}
        path = f"{key}.{name}"
        if name not in one.whole.names.ours:
            one.note(path, "changed", "that service is left out")
            continue
        wanted = CONDITIONS.get(str(how.get("condition", "service_started")), "started")
        # Where it has a healthcheck, waiting for it is what people mean.
        entry: dict[str, Any] = {"condition": "completed"} if str(name) in one.whole.jobs else {}
        if wanted == "healthy" or how.get("restart"):
            entry |= {"cascade": True} if how.get("restart") else {}
        made[one.whole.names.ours[name]] = entry
        one.note(
            path, "kept", wanted if not entry.get("cascade") else f"{wanted}, replaced with it"
        )
    if made:
        one.out[key] = made


def healthcheck(one: One, key: str, value: Any) -> None:
    test = value.get("test")
    if value.get("disable") or test in ("NONE", ["NONE"]):
        one.kept(key, key, False)
        return
    if isinstance(test, str):
        command = ["/bin/sh", "-c", test]
    elif isinstance(test, list) and len(test) > 1 and test[0] in ("CMD", "CMD-SHELL"):
        rest = [str(item) for item in test[1:]]
        command = rest if test[0] == "CMD" else ["/bin/sh", "-c", rest[0]]
    else:
        one.note(key, "ignored", "has no test: the image's own is used")
        return
    made: dict[str, Any] = {"command": command}
    for theirs in ("interval", "timeout", "start_period"):
        wanted = duration(value[theirs]) if value.get(theirs) is not None else None
        if wanted:
            made[theirs] = wanted
    if str(value.get("retries", "")).isdecimal():
        made["retries"] = min(max(int(value["retries"]), 1), 100)
    one.kept(key, key, made)


def deploy(one: One, key: str, value: Any) -> None:
    for name, item in value.items():
        path = f"{key}.{name}"
        if name == "replicas":
            scale(one, path, item)
        elif name == "resources":
            for kind in ("limits", "reservations"):
                for which, amount in ((item or {}).get(kind) or {}).items():
                    ours = {"cpus": "cpu", "memory": "memory", "pids": "pids"}.get(which)
                    if ours and (ours, kind) != ("pids", "reservations"):
                        limit(kind, ours)(one, f"{path}.{kind}.{which}", amount)
                    else:
                        one.note(f"{path}.{kind}.{which}", "refused", "devices are the host's")
        elif name in ("update_config", "rollback_config"):
            one.note(path, "ignored", "every deploy replaces without downtime and rolls back")
        else:
            one.note(path, "ignored", "not supported")


def labels(one: One, key: str, value: Any) -> None:
    """Traefik's hosts and port are taken over where they are simple."""
    for name, item in value.items():
        path = f"{key}.{name}"
        hosts = TRAEFIK_HOST.findall(str(item)) if str(name).endswith(".rule") else []
        found = [h.strip("` '\"") for each in hosts for h in each.split(",")]
        good = [h for h in found if HOST.fullmatch(h) and not h.endswith(".localhost")]
        if good and "&&" not in str(item):
            one.out["domains"] = sorted({*one.out.get("domains", []), *good})
            one.note(path, "changed", f"domains: {', '.join(good)}")
        elif str(name).endswith("loadbalancer.server.port") and str(item).isdecimal():
            one.out["port"] = int(item)
            one.note(path, "changed", f"port: {item}")
        else:
            one.note(path, "ignored", "labels are Portwright's")


def secrets(one: One, key: str, value: Any) -> None:
    for index, item in enumerate(listed(value)):
        name = item.get("source") if isinstance(item, dict) else item
        one.note(
            f"{key}[{index}]", "changed",
            f"no file: `portwright secrets set PROJECT {str(name).replace('-', '_')}`, and a variable",
        )  # fmt: skip


def configs(one: One, key: str, value: Any) -> None:
    one.note(key, "refused", "put the file into the image")


def finish(one: One) -> None:
    """What only shows when all keys are there."""
    out = one.out
    if "image" not in out and "build" not in out and not one.refused("image", "build"):
        one.note("image", "refused", "has neither an image nor a build")
    if one.name in one.whole.jobs:
        out["restart"] = "no"
        for key in ("port", "domains", "publish", "replicas"):
            if out.pop(key, None):
                one.note(key, "changed", "a job serves nothing")
        one.note("restart", "changed", "others wait for its end: it runs once per change")
    if out.get("replicas", 1) > 1 and (out.get("volumes") or out.get("publish")):
        out.pop("replicas")
        one.note("replicas", "changed", "one: a volume and a port of the host have one holder")
    if out.get("domains") and "port" not in out:
        out.pop("domains")
        one.note("labels", "changed", "its hosts are left out: no port of it is known")
    for key in ("volumes", "publish"):
        if key in out and not out[key]:
            del out[key]
