"""A stored Plan as text and as Markdown, for terminals, pull requests and mails."""

from __future__ import annotations

import json
import re
from typing import Any

from stacks.plan import ACTIONS, MASK

SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
EFFECTS = {
    "restart": "restarts",
    "downtime": "DOWNTIME",
    "data_loss": "DATA LOSS",
    "destructive": "goes for good",
}
LONG_ID = re.compile(r"(sha256:)?[0-9a-f]{32,64}")
# What a terminal obeys, and what turns text around.
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def text(plan: dict[str, Any]) -> str:
    """Plain lines."""
    lines = []
    for step in plan.get("steps") or []:
        lines.append(f"{head(step)}{bracketed(step)}")
        if step.get("why"):
            lines.append(f"    because {clean(step['why'])}")
        lines += [
            f"    {clean(change['path'])}: {shown(change, 'before')} → {shown(change, 'after')}"
            for change in step.get("changes") or []
        ]
    return "\n".join([*lines, closing(plan), *notices(plan)]) + "\n"


def markdown(plan: dict[str, Any]) -> str:
    """A heading line, then a list of steps with a table of what differs in each."""
    parts = [f"**{closing(plan)}**"]
    for step in plan.get("steps") or []:
        block = [f"- **{escaped(head(step))}**{escaped(bracketed(step))}"]
        if step.get("why"):
            block.append(f"  because {escaped(clean(step['why']))}")
        changes = step.get("changes") or []
        if changes:
            block += ["", "  | what | before | after |", "  |---|---|---|"]
            block += [
                f"  | {escaped(clean(change['path']))} | {escaped(shown(change, 'before'))} "
                f"| {escaped(shown(change, 'after'))} |"
                for change in changes
            ]
        parts.append("\n".join(block))
    parts += [f"_{escaped(each)}_" for each in notices(plan)]
    parts.append(f"<sub>plan {clean(plan.get('hash', ''))}</sub>")
    return "\n\n".join(parts) + "\n"


def head(step: dict[str, Any]) -> str:
    action = str(step.get("action"))
    of = f" (service {clean(step['service'])})" if step.get("service") else ""
    sign = SIGNS.get(action, "?")
    return f"{sign} {clean(action)} {clean(step.get('type', ''))} {clean(step.get('name', ''))}{of}"


def bracketed(step: dict[str, Any]) -> str:
    told = [words for key, words in EFFECTS.items() if step.get(key)]
    return f" [{', '.join(told)}]" if told else ""


def closing(plan: dict[str, Any]) -> str:
    summary = plan.get("summary") or {}
    counts = [f"{summary[each]} to {each}" for each in ACTIONS if summary.get(each)]
    same = f"{summary.get('same', 0)} unchanged"
    return "Plan: " + ", ".join([*counts, same]) if counts else f"Nothing would change, {same}"


def notices(plan: dict[str, Any]) -> list[str]:
    """Return one sentence for each tag that the registry was not asked for, and each generated
    Dockerfile."""
    return [
        *(
            f"{clean(name)} was not checked for a newer image; deploy with --pull to check"
            for name in plan.get("unchecked") or []
        ),
        *(
            f"{clean(name)} has no Dockerfile; the plan's page shows the generated one"
            for name in sorted(plan.get("dockerfiles") or {})
        ),
    ]


def shown(change: dict[str, Any], side: str) -> str:
    value = change.get(side)
    if value is None:
        return "none"
    if change.get("secret") and MASK not in str(value):
        return MASK
    if isinstance(value, str):
        if LONG_ID.fullmatch(value):
            return value[: 19 if ":" in value else 12] + "…"
        return clean(value) or '""'
    return clean(json.dumps(value, ensure_ascii=False, sort_keys=True))


def clean(value: object) -> str:
    return CONTROLS.sub(" ", str(value))


def escaped(value: str) -> str:
    """Text that Markdown and HTML take as text, mentions of people among it."""
    value = re.sub(r"([\\`*_{}\[\]()#+!|~-])", r"\\\1", value)
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("@", "@\u200b")
