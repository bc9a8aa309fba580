"""From the engine's steps and two compiled Specs to a Plan that a person can read.

The engine decides what happens to which resource; the Specs say it in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stacks.compile import Resource
from stacks.events import ResourceStep
from stacks.plan import MASK, Change, Plan, Step
from stacks.spec import SecretVersion, Spec

# Engine properties whose meaning the facts of a resource tell already.
TOLD = {
    "envs", "labels", "image", "command", "healthcheck", "volumes", "networksAdvanced", "name",
    "wait", "waitTimeout", "driver",
}  # fmt: skip


def make_plan(
    steps: Iterable[ResourceStep],
    same: int,
    before: tuple[Resource, ...],
    after: tuple[Resource, ...],
    why: str,
) -> Plan:
    """before, after: the resources of the Spec that serves now and of the wanted one."""
    old = {resource.name: resource for resource in before}
    new = {resource.name: resource for resource in after}
    told = [
        describe(step, old.get(step.name), new.get(step.name), why)
        for step in sorted(steps, key=lambda step: (step.order, step.name))
    ]
    return Plan(steps=tuple(told), same=same)


def describe(step: ResourceStep, old: Resource | None, new: Resource | None, why: str) -> Step:
    known = new or old
    changes = compare(
        old.facts if old and step.action != "create" else {},
        new.facts if new and step.action != "delete" else {},
    )
    if step.action in ("update", "replace"):
        changes += untold(step, changes)
    routed = bool(known and known.router)
    return Step(
        action=step.action,  # type: ignore[arg-type]
        type=step.type,
        name=step.name,
        service=known.service if known else "",
        why=reason(step, old, new, why),
        restart=step.type == "Container" and step.action == "replace",
        downtime=(step.action == "replace" and (known.delete_first if known else True))
        or (step.action == "delete" and routed),
        data_loss=step.type == "Volume"
        and step.action in ("replace", "delete")
        and not (known and known.retain and step.action == "delete"),
        changes=changes,
    )


def reason(step: ResourceStep, old: Resource | None, new: Resource | None, why: str) -> str:
    if step.action == "create" and old is not None:
        return "it is gone from the host"
    if step.action == "delete" and new is None:
        return "the project no longer has it"
    if old is not None and new is not None and old.facts == new.facts:
        return "it differs from what was applied"
    return why


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    changes = []
    for path in sorted({*old, *new}):
        left, right = old.get(path), new.get(path)
        if left == right or (path == "image name" and old.get("image") == new.get("image")):
            continue
        secret = isinstance(left, SecretVersion) or isinstance(right, SecretVersion)
        changes.append(Change(path, shown(left), shown(right), secret))
    return tuple(changes)


def shown(value: Any) -> Any:
    if isinstance(value, SecretVersion):
        return f"{MASK} ({value.secret}, version {value.version})"
    return value


def untold(step: ResourceStep, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Properties that the engine sees differ but no fact names: another Portwright's, or by hand."""
    return tuple(
        Change(name, masked(step.old.get(name)), masked(step.new.get(name)))
        for name in step.properties
        if name not in TOLD or (not changes and name in ("image", "command", "name", "driver"))
    )


def masked(value: Any) -> Any:
    """Engine values, with its secrets (and what it has encrypted) behind the mask."""
    if isinstance(value, dict):
        if "4dabf18193072939515e22adb298388d" in value:
            return MASK
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return MASK if value == "[secret]" else value


def why_changed(current: Spec | None, wanted: Spec, rollback_of: int | None) -> str:
    """The cause in words, for the head of a step."""
    if rollback_of is not None:
        return f"rollback to release {rollback_of}"
    if current is None:
        return "first deploy"
    if current.commit != wanted.commit:
        return f"commit {wanted.commit[:7]}: {wanted.subject}" if wanted.subject else "a new commit"
    return "a secret or an image changed"
