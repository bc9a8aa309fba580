"""The typed Plan: what an apply would do, resource by resource, property by property."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["create", "update", "replace", "delete"]
ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "delete")
MASK = "••••••••"


@dataclass(frozen=True)
class Change:
    """One property: its path (`env.COLOR`, `image`), and its value before and after.

    before is None where the property is new, after where it goes. Secret values
    never enter a Change: both sides hold MASK.
    """

    path: str
    before: Any = None
    after: Any = None
    secret: bool = False


@dataclass(frozen=True)
class Step:
    """What happens to one resource.

    destructive: a service or a volume goes, which a policy may want to be agreed to.
    """

    action: Action
    type: str
    name: str
    service: str = ""
    why: str = ""
    restart: bool = False
    downtime: bool = False
    data_loss: bool = False
    destructive: bool = False
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Ordered steps, with the count of resources that stay as they are.

    unchecked: image names whose tags the registry was not asked for in this run. They change
    nothing, and are no part of the hash. dockerfiles: service → the one generated for it.
    """

    steps: tuple[Step, ...] = ()
    same: int = 0
    unchecked: tuple[str, ...] = ()
    dockerfiles: Mapping[str, str] = field(default_factory=dict)
    hash: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.hash:
            text = json.dumps([asdict(step) for step in self.steps], sort_keys=True, default=str)
            object.__setattr__(self, "hash", hashlib.sha256(text.encode()).hexdigest())

    @property
    def empty(self) -> bool:
        return not self.steps

    @property
    def destructive(self) -> bool:
        return any(step.destructive for step in self.steps)

    @property
    def summary(self) -> dict[str, int]:
        counts: dict[str, int] = dict.fromkeys(ACTIONS, 0)
        for step in self.steps:
            counts[step.action] += 1
        return {**counts, "same": self.same}

    def to_json(self) -> dict[str, Any]:
        return {
            "hash": self.hash,
            "empty": self.empty,
            "destructive": self.destructive,
            "summary": self.summary,
            "steps": [asdict(step) for step in self.steps],
            "unchecked": list(self.unchecked),
            "dockerfiles": dict(self.dockerfiles),
        }
