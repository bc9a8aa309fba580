"""A Plan as a coloured diff in the terminal."""

from __future__ import annotations

import json
import re
from typing import Any

from cli.show import line

SIGNS = {
    "create": ("+", "green"),
    "update": ("~", "blue"),
    "replace": ("±", "yellow"),
    "delete": ("-", "red"),
}
EFFECTS = (
    ("restart", "blue"),
    ("downtime", "yellow"),
    ("data_loss", "bold red"),
    ("destructive", "bold red"),
)
MASK = "••••••••"


def show_plan(plan: dict[str, Any]) -> None:
    """Print every step, then what it comes to."""
    summary = plan.get("summary") or {}
    if plan.get("empty"):
        line("Nothing would change.")
        return show_notices(plan)
    for step in plan.get("steps") or []:
        show_step(step)
    counts = [f"{summary[name]} to {name}" for name in SIGNS if summary.get(name)]
    line(("Plan: ", "bold"), ", ".join([*counts, f"{summary.get('same', 0)} unchanged"]))
    line(("hash  ", "dim"), (str(plan.get("hash", "")), "dim"))
    show_notices(plan)


def show_notices(plan: dict[str, Any]) -> None:
    for name in plan.get("unchecked") or []:
        line((f"{name} was not checked for a newer image; deploy with --pull to check", "dim"))
    for name, text in sorted((plan.get("dockerfiles") or {}).items()):
        line((f"{name} has no Dockerfile; this one was generated:", "dim"))
        for each in text.splitlines():
            line((f"    {each}", "dim"))


def show_step(step: dict[str, Any]) -> None:
    action = str(step.get("action"))
    sign, colour = SIGNS.get(action, ("?", ""))
    kind = str(step.get("type", "")).rsplit(":", 1)[-1]
    effects: list[str | tuple[str, str]] = []
    for name, style in EFFECTS:
        if step.get(name):
            effects += ["  ", (f"[{name.replace('_', ' ').upper()}]", style)]
    line(
        (f"{sign} {action} ", colour),
        (f"{kind} {step.get('name', '')}", "bold"),
        f"  (service {step['service']})" if step.get("service") else "",
        *effects,
    )
    if step.get("why"):
        line(("    because ", "dim"), str(step["why"]))
    for change in step.get("changes") or []:
        secret = bool(change.get("secret"))
        before, after = (value(change.get(side), secret) for side in ("before", "after"))
        line(f"    {change.get('path', '')}  ", (before, "red"), " → ", (after, "green"))
    line("")


def value(content: Any, secret: bool) -> str:
    if content is None:
        return "none"
    if secret:
        return MASK
    if isinstance(content, str) and re.fullmatch(r"(sha256:)?[0-9a-f]{32,64}", content):
        return content[: 19 if ":" in content else 12] + "…"
    return content if isinstance(content, str) and content else json.dumps(content)
