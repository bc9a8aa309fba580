"""What the engine tells while it works: events become a Plan, log lines and failures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import EngineEvent
from pulumi.automation.events import OpType, StepEventMetadata

Say = Callable[[str], None]
TYPES = {
    "docker:index/network:Network": "Network",
    "docker:index/volume:Volume": "Volume",
    "docker:index/container:Container": "Container",
}
REPLACES = (OpType.REPLACE, OpType.CREATE_REPLACEMENT, OpType.DELETE_REPLACED)
VERBS = {
    OpType.CREATE: ("creating", "created"),
    OpType.UPDATE: ("updating", "updated"),
    OpType.DELETE: ("deleting", "deleted"),
    OpType.CREATE_REPLACEMENT: ("starting the new", "started the new"),
    OpType.DELETE_REPLACED: ("removing the old", "removed the old"),
    OpType.READ: ("reading", "read"),
}
# What the provider logs a second time, without the resource it is about.
PROVIDER_NOISE = "sdk-v2/"
COLOUR_TAGS = re.compile(r"<\{%[^%]*%\}>")


@dataclass
class ResourceStep:
    """What the engine says of one resource: its action, and which properties differ."""

    name: str
    type: str
    action: str
    properties: tuple[str, ...] = ()
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)


class Listener:
    """Collects one operation's events. Never raises: the engine would swallow it."""

    def __init__(self, say: Say | None = None) -> None:
        self.say = say
        self.steps: dict[str, ResourceStep] = {}
        self.same = 0
        self.failed: list[str] = []
        self.errors: list[str] = []

    def __call__(self, event: EngineEvent) -> None:
        if event.resource_pre_event:
            self.planned(event.resource_pre_event.metadata)
            self.tell(event.resource_pre_event.metadata, 0)
        elif event.res_outputs_event:
            self.tell(event.res_outputs_event.metadata, 1)
        elif event.res_op_failed_event:
            self.failed.append(logical_name(event.res_op_failed_event.metadata.urn))
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            text = COLOUR_TAGS.sub("", event.diagnostic_event.message).strip()
            if text and not text.startswith(PROVIDER_NOISE):
                self.errors.append(text)
                self.write(text)

    def planned(self, step: StepEventMetadata) -> None:
        kind = TYPES.get(step.type)
        if kind is None:
            return
        if step.op == OpType.SAME:
            self.same += 1
        action = "replace" if step.op in REPLACES else step.op.value
        if action not in ("create", "update", "replace", "delete"):
            return
        name = logical_name(step.urn)
        known = self.steps.get(step.urn)
        if known is None or known.action == "delete":
            # A pending delete of a resource that also gets a new one is part of its replacement.
            self.steps[step.urn] = ResourceStep(
                name=name,
                type=kind,
                action=action,
                properties=changed_properties(step),
                old=dict(step.old.inputs or {}) if step.old else {},
                new=dict(step.new.inputs or {}) if step.new else {},
            )

    def tell(self, step: StepEventMetadata, index: int) -> None:
        if step.type in TYPES and step.op in VERBS:
            self.write(
                f"{VERBS[step.op][index]} {TYPES[step.type].lower()} {logical_name(step.urn)}"
            )

    def write(self, line: str) -> None:
        if self.say:
            for part in line.splitlines():
                self.say(part)


def logical_name(urn: str) -> str:
    return urn.rpartition("::")[2]


def changed_properties(step: StepEventMetadata) -> tuple[str, ...]:
    """Top-level property names that differ, as the engine names them (camelCase)."""
    paths = [*(step.detailed_diff or {}), *(step.diffs or []), *(step.keys or [])]
    return tuple(sorted({re.split(r"[.\[]", path)[0] for path in paths}))
