"""How values look on a page: moments, durations, commits, kinds of resources, values of a plan."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from flask import Flask, g
from markupsafe import Markup

from jobs.models import Run, now
from jobs.states import FINAL
from stacks.plan import MASK

SHA = re.compile(r"(sha256:)?[0-9a-f]{32,64}")
LONG = 72


def init_app(app: Flask) -> None:
    for each in (ago, moment, elapsed, span, amount, short, kind_of, value):
        app.add_template_filter(each)
    app.add_template_test(lambda run: run.state in FINAL, "final")
    app.context_processor(lambda: {"person": g.get("person")})


def span(seconds: float) -> str:
    """A duration in at most two units."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def amount(size: float) -> str:
    """Bytes in the largest unit that leaves a whole number before the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def ago(at: datetime | None) -> str:
    if at is None:
        return ""
    seconds = (now() - at).total_seconds()
    if seconds < 60:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def moment(at: datetime | None) -> Markup:
    """A <time> that reads `3 minutes ago` and tells the exact moment when pointed at."""
    if at is None:
        return Markup("")
    mark = '<time datetime="{}" title="{} UTC">{}</time>'
    return Markup(mark).format(at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}", ago(at))


def elapsed(run: Run) -> str:
    """How long a run took, or has taken so far."""
    return span(((run.ended_at or now()) - (run.started_at or run.created_at)).total_seconds())


def short(text: str | None) -> str:
    return (text or "")[:7]


def kind_of(resource_type: str) -> str:
    """`docker:index/container:Container` reads `container`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", resource_type.rsplit(":", 1)[-1]).lower()


def value(content: Any, secret: bool = False) -> Markup:
    """A value of a plan, escaped. Hashes are shortened; their title has all of it."""
    if secret:
        return Markup('<span class="secret" title="secret">{}</span>').format(MASK)
    if content is None:
        return Markup('<span class="none">none</span>')
    if isinstance(content, (dict, list)):
        text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
        return Markup("<pre>{}</pre>").format(text)
    text = content if isinstance(content, str) else json.dumps(content)
    if text == "":
        return Markup('<span class="none">empty</span>')
    if SHA.fullmatch(text):
        return Markup('<code title="{}">{}…</code>').format(text, text[: 19 if ":" in text else 12])
    if len(text) > LONG:
        return Markup('<code title="{}">{}…</code>').format(text, text[: LONG - 1])
    return Markup("<code>{}</code>").format(text)
