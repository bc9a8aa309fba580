"""How far a restore has come, so that it goes on from there: {"done": [...], "runs": [...],
"volumes": [...]} in HOME/backups/restore.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from jobs.settings import Settings

PLATFORM, DATA = "restoring", "restoring-volumes"


def finish(settings: Settings) -> None:
    """Nothing of the backup lies about any more."""
    for name in (PLATFORM, DATA):
        shutil.rmtree(settings.home / "backups" / name, ignore_errors=True)
    notes(settings).unlink(missing_ok=True)


def notes(settings: Settings) -> Path:
    return settings.home / "backups/restore.json"


def progress(settings: Settings) -> dict[str, Any]:
    path = notes(settings)
    return dict(json.loads(path.read_text())) if path.exists() else {"done": []}


def done(settings: Settings, step: str) -> bool:
    return step in progress(settings)["done"]


def mark(settings: Settings, step: str, **more: Any) -> None:
    known = progress(settings)
    known["done"] = sorted({*known["done"], step})
    partial = notes(settings).with_suffix(".new")
    partial.write_text(json.dumps({**known, **more}))
    partial.replace(notes(settings))
