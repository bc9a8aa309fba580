"""What the host has that the release does not say, by inspecting the live engine.

The engine's own refresh sees that something is gone; environment, labels, mounts and
networks it does not read back (docs/decisions/0007-drift-by-inspecting.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from stacks.compile import Resource, SecretEnv
from stacks.docker.images.engine import find_image
from stacks.plan import MASK, Change
from stacks.program import Secrets, opened
from stacks.rollout import ROLE
from stacks.world import Place, containers

What = Literal["gone", "stopped", "changed", "unknown"]
ANONYMOUS = re.compile(r"[0-9a-f]{64}")
NANO = 1_000_000_000
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """One resource that is not as it was applied. `changes`: before is the host's, after ours."""

    what: What
    type: str
    name: str
    service: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def words(self) -> str:
        return {
            "gone": "drift: it is gone from the host",
            "stopped": "drift: it was stopped",
            "changed": "drift: it was changed on the host",
            "unknown": "drift: it carries our labels, but no release has it",
        }[self.what]


def observe(
    client: docker.DockerClient, place: Place, applied: tuple[Resource, ...], secrets: Secrets
) -> tuple[Finding, ...]:
    """Compare what was applied with the host, in the order of the resources. Changes nothing."""
    there = [each for each in containers(client, place) if ROLE not in each.labels]
    found: list[Finding] = []
    known: set[str] = set()
    defaults = cache(lambda image: image_defaults(client, image))
    for resource in applied:
        if resource.kind == "Container":
            mine = [each for each in there if belongs(each, resource)]
            known |= {str(each.id) for each in mine[:1]}
            found += look(resource, mine, secrets, defaults)
        elif not exists(client, resource):
            found.append(Finding("gone", resource.kind, resource.name, resource.service))
    networks = {resource.name for resource in applied if resource.kind == "Network"}
    for network in client.networks.list(filters=place.filters):
        if network.name not in networks:
            found.append(Finding("unknown", "Network", str(network.name)))
    found += [
        Finding("unknown", "Container", str(each.name), each.labels.get("portwright.service", ""))
        for each in there
        if each.id not in known
    ]
    return tuple(found)


def drifted(findings: Iterable[Finding], applied: tuple[Resource, ...]) -> set[str]:
    """The services whose containers must be replaced; without their network, all of them."""
    findings = tuple(findings)
    if any(f.type == "Network" and f.what == "gone" for f in findings):
        return {resource.service for resource in applied if resource.service}
    return {f.service for f in findings if f.what != "unknown" and f.service}


def belongs(container: Container, resource: Resource) -> bool:
    """The provider names a container after its resource, with a random end."""
    return bool(re.fullmatch(re.escape(resource.name) + "-[0-9a-f]{7}", container.name or ""))


def exists(client: docker.DockerClient, resource: Resource) -> bool:
    kind = client.networks if resource.kind == "Network" else client.volumes
    try:
        if resource.kind == "Network":
            return bool(client.networks.list(names=[f"^{resource.name}$"]))
        kind.get(resource.name)
    except NotFound:
        return False
    return True


def look(
    resource: Resource,
    mine: list[Container],
    secrets: Secrets,
    defaults: Callable[[str], dict[str, Any]],
) -> list[Finding]:
    if not mine:
        return [Finding("gone", "Container", resource.name, resource.service)]
    attrs = mine[0].attrs
    status = attrs["State"].get("Status")
    if resource.args["must_run"] and status not in ("running", "restarting"):
        return [Finding("stopped", "Container", resource.name, resource.service)]
    changes = compare(resource, attrs, secrets, defaults(resource.args["image"]))
    return (
        [Finding("changed", "Container", resource.name, resource.service, changes)]
        if changes
        else []
    )


def compare(
    resource: Resource, attrs: dict[str, Any], secrets: Secrets, default: dict[str, Any]
) -> tuple[Change, ...]:
    """Property by property; a secret's value is never told."""
    args, config, host = resource.args, attrs["Config"], attrs["HostConfig"]
    changes: list[Change] = []

    def check(path: str, live: Any, wanted: Any) -> None:
        if live != wanted:
            changes.append(Change(f"on the host: {path}", live, wanted))

    check("image", attrs["Image"], args["image"])
    changes += compare_env(args["envs"], config.get("Env") or [], secrets, default)
    labels = {**default["Labels"], **{item["label"]: item["value"] for item in args["labels"]}}
    live = config.get("Labels") or {}
    for key in sorted({*labels, *live}):
        check(f"label {key}", live.get(key), labels.get(key))
    check("command", config.get("Cmd") or [], args.get("command") or default["Cmd"])
    if "entrypoints" in args:
        check("entrypoint", config.get("Entrypoint") or [], args["entrypoints"])
    check("user", config.get("User") or "", args.get("user", default["User"]))
    check("read_only", bool(host.get("ReadonlyRootfs")), bool(args.get("read_only")))
    check("privileged", bool(host.get("Privileged")), bool(args.get("privileged")))
    mounts = {
        m.get("volume_name") or m["host_path"]: m["container_path"] for m in args.get("volumes", [])
    }
    check("mounts", mounts_of(attrs), mounts)
    networks = sorted(each["name"] for each in args.get("networks_advanced", [])) or ["host"]
    check("networks", sorted(attrs["NetworkSettings"]["Networks"]), networks)
    check("restart", (host.get("RestartPolicy") or {}).get("Name") or "no", args["restart"])
    check("memory", (host.get("Memory") or 0) // MEGABYTE, args.get("memory", 0))
    check("cpu", (host.get("NanoCpus") or 0) / NANO, float(args.get("cpus", 0)))
    check("pids", host.get("PidsLimit") or None, resource.pids)
    return tuple(changes)


def compare_env(
    wanted: list[Any], live: list[str], secrets: Secrets, default: dict[str, Any]
) -> list[Change]:
    hidden = {item.key for item in wanted if isinstance(item, SecretEnv)}
    texts = [opened(item, secrets) if isinstance(item, SecretEnv) else item for item in wanted]
    ours = {**default["Env"], **pairs(texts)}
    theirs = pairs(live)
    changes = []
    for key in sorted({*ours, *theirs}):
        left, right = theirs.get(key), ours.get(key)
        if left != right:
            secret = key in hidden
            before, after = (MASK if secret and v is not None else v for v in (left, right))
            changes.append(Change(f"on the host: env.{key}", before, after, secret))
    return changes


def pairs(env: Iterable[str]) -> dict[str, str]:
    return {key: value for key, _, value in (item.partition("=") for item in env)}


def mounts_of(attrs: dict[str, Any]) -> dict[str, str]:
    """Source -> path of what is mounted; the image's own anonymous volumes are left out."""
    return {
        str(mount.get("Name") or mount.get("Source")): str(mount["Destination"])
        for mount in attrs.get("Mounts") or []
        if not ANONYMOUS.fullmatch(mount.get("Name") or "")
    }


def image_defaults(client: docker.DockerClient, image_id: str) -> dict[str, Any]:
    """What a container has from its image: environment, labels, command."""
    image = find_image(client, image_id)
    config = (image.attrs.get("Config") or {}) if image else {}
    return {
        "Env": pairs(config.get("Env") or []),
        "Labels": config.get("Labels") or {},
        "Cmd": config.get("Cmd") or [],
        "User": config.get("User") or "",
    }
