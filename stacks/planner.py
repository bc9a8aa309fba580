"""From the engine's steps and two compiled Specs to a Plan that a person can read.

The engine decides what happens to which resource; the Specs say it in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.compile import BASE, IMAGE_ORIGIN, Resource
from stacks.drift import Finding
from stacks.events import ResourceStep
from stacks.plan import MASK, Change, Plan, Step
from stacks.spec import SecretVersion, Template

# Engine properties whose meaning the facts of a resource tell already.
TOLD = {
    "envs", "labels", "image", "command", "healthcheck", "volumes", "networksAdvanced", "name",
    "wait", "waitTimeout", "driver", "ports", "memory", "memorySwap", "memoryReservation", "cpus",
    "cpuShares", "logOpts", "entrypoints", "workingDir", "user", "init", "readOnly", "tmpfs", "shmSize", "privileged",
    "networkMode", "pidMode", "ipcMode", "devices", "capabilities", "restart", "mustRun", "start", "destroyGraceSeconds",
}  # fmt: skip


@dataclass(frozen=True)
class Causes:
    """Why things change: by service, and what was found on the host.

    findings: of `stacks.drift`, compared with the Spec that serves now.
    """

    services: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    other: str = ""

    def of(self, step: ResourceStep, service: str) -> str:
        return self.services.get(service) or self.other

    def finding(self, step: ResourceStep) -> Finding | None:
        named = (f for f in self.findings if (f.type, f.name) == (step.type, step.name))
        return next(named, None)


def make_plan(
    steps: Iterable[ResourceStep],
    same: int,
    before: tuple[Resource, ...],
    after: tuple[Resource, ...],
    causes: Causes,
    unchecked: Iterable[str] = (),
    dockerfiles: Mapping[str, str] | None = None,
) -> Plan:
    """before, after: the resources of the Spec that serves now and of the wanted one. unchecked:
    image names whose tags the registry was not asked for."""
    old = {resource.name: resource for resource in before}
    new = {resource.name: resource for resource in after}
    kept = {resource.service for resource in after}
    makes = {resource.name: index for index, resource in enumerate(after)}
    ends = {resource.name: index for index, resource in enumerate(before)}

    def place(step: ResourceStep) -> tuple[bool, int, str]:
        """In the order of making, then what goes, in the reverse. Not in the engine's, which
        works side by side: the same plan must have the same hash."""
        goes = step.action == "delete"
        return (goes, -ends.get(step.name, 0) if goes else makes.get(step.name, 0), step.name)

    told = [
        describe(step, old.get(step.name), new.get(step.name), causes, kept)
        for step in sorted(steps, key=place)
    ]
    unknown = [
        Step("delete", f.type, f.name, service=f.service, why=f.words)
        for f in causes.findings
        if f.what == "unknown"
    ]
    return Plan(
        steps=(*told, *unknown),
        same=same,
        unchecked=tuple(sorted(unchecked)),
        dockerfiles=dockerfiles or {},
    )


def describe(
    step: ResourceStep,
    old: Resource | None,
    new: Resource | None,
    causes: Causes,
    kept: set[str],
) -> Step:
    known = new or old
    changes = compare(
        old.facts if old and step.action != "create" else {},
        new.facts if new and step.action != "delete" else {},
    )
    if step.action in ("update", "replace"):
        changes += untold(step, changes)
    found = causes.finding(step)
    service = known.service if known else ""
    gone = step.action == "delete" and step.type == "Container" and service not in kept
    serves = bool(known and (known.router or known.args.get("must_run")))
    return Step(
        action=step.action,  # type: ignore[arg-type]
        type=step.type,
        name=step.name,
        service=service,
        why=reason(step, old, new, causes),
        restart=step.type == "Container" and step.action == "replace",
        downtime=serves
        and ((step.action == "replace" and bool(known and known.delete_first)) or gone),
        # A volume is never deleted with its service: only `destroy` does so, by name.
        data_loss=step.type == "Volume" and step.action == "replace",
        destructive=gone or (step.type == "Volume" and step.action in ("replace", "delete")),
        changes=changes + (found.changes if found else ()),
    )


def reason(step: ResourceStep, old: Resource | None, new: Resource | None, causes: Causes) -> str:
    found = causes.finding(step)
    if found is not None:
        return found.words
    if step.action == "create" and old is not None:
        return "it is gone from the host"
    if step.action == "delete" and new is None:
        scaled = old is not None and old.service in causes.services
        return causes.services[old.service] if scaled and old else "the project no longer has it"
    return causes.of(step, known.service if (known := new or old) else "")


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    changes = []
    for path in sorted({*old, *new}):
        left, right = old.get(path), new.get(path)
        same_image = is_about_image(path) and old.get("image") == new.get("image")
        if left == right or same_image:
            continue
        secret = isinstance(left, SecretVersion | Template) or isinstance(
            right, SecretVersion | Template
        )
        changes.append(Change(path, shown(left), shown(right), secret))
    return tuple(changes)


def is_about_image(path: str) -> bool:
    """Report whether a fact only names an image, or says where it comes from."""
    return path in IMAGE_ORIGIN or path.startswith(BASE)


def shown(value: Any) -> Any:
    if isinstance(value, SecretVersion):
        return f"{MASK} ({value.secret}, version {value.version})"
    if isinstance(value, Template):
        return "".join(str(shown(part)) for part in value.parts)
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
