"""A stored Plan, made ready to be shown: complete, and without a secret's value."""

from __future__ import annotations

from typing import Any

from stacks.plan import ACTIONS, MASK

SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


def shown(plan: dict[str, Any] | None) -> dict[str, Any] | None:
    """The Plan with every key in place; both sides of a secret are masked once more."""
    if not plan:
        return None
    steps = [shown_step(step) for step in plan.get("steps") or []]
    summary = {**dict.fromkeys(ACTIONS, 0), "same": 0, **(plan.get("summary") or {})}
    return {
        "hash": plan.get("hash", ""),
        "empty": plan.get("empty", not steps),
        "destructive": bool(plan.get("destructive")),
        "summary": summary,
        "steps": steps,
        "unchecked": list(plan.get("unchecked") or []),
        "dockerfiles": dict(plan.get("dockerfiles") or {}),
    }


def shown_step(step: dict[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = {"action": "update", "type": "", "name": "", "service": "", "why": ""}
    effects = dict.fromkeys(("restart", "downtime", "data_loss", "destructive"), False)
    changes = [shown_change(change) for change in step.get("changes") or []]
    return {**blank, **effects, **step, "changes": changes}


def shown_change(change: dict[str, Any]) -> dict[str, Any]:
    whole = {"path": "", "before": None, "after": None, "secret": False, **change}
    if whole["secret"]:
        for side in ("before", "after"):
            whole[side] = None if whole[side] is None else MASK
    return whole


def summary_words(summary: dict[str, int]) -> list[tuple[str, str]]:
    """What the plan comes to, as (kind, words): `1 to replace`, `4 unchanged`."""
    words = [(each, f"{summary[each]} to {each}") for each in ACTIONS if summary.get(each)]
    return [*words, ("same", f"{summary.get('same', 0)} unchanged")]
