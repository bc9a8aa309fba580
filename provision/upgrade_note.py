"""What an upgrade writes down before anything stops: all that is needed to go back.

HOME/versions/upgrade.json: {"daemons": how the old ones are started, "version": of the old
database, "copy": of it, or null}. It is there while an upgrade is at work, and where one was cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# In the order of stopping: what asks for work, then what does it.
NAMES = ("portal", "worker")


def place(home: Path) -> Path:
    return home / "versions/upgrade.json"


def read(home: Path) -> dict[str, Any] | None:
    """None where no upgrade is at work or was cut off."""
    try:
        return dict(json.loads(place(home).read_text()))
    except FileNotFoundError:
        return None


def write(home: Path, daemons: Mapping[str, Any], version: str | None, copy: Path | None) -> None:
    note = place(home)
    note.parent.mkdir(exist_ok=True, mode=0o700)
    told = {"daemons": daemons, "version": version, "copy": str(copy) if copy else None}
    put(note, json.dumps(told))


def put(path: Path, text: str) -> None:
    """Whole or not at all, also where the power goes; it holds settings, and so is for root only."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def drop(home: Path) -> None:
    place(home).unlink()
