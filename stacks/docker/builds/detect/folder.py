"""Reading a checkout that nobody trusts: small regular files, no links, bounded parsers."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from stacks.errors import PortwrightError

MAX_BYTES = 256 * 1024
HEAD_BYTES = 4 * 1024
# A path that may stand in a Dockerfile without quotes, and in a shell command.
SAFE_PATH = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}")


class Folder:
    """The files of one build context."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def has(self, name: str) -> bool:
        """Return whether a regular file has this path, without a link on the way."""
        path = self.root / name
        return path.is_file() and not self._is_linked(name)

    def has_folder(self, name: str) -> bool:
        """Return whether a folder has this path, without a link on the way."""
        return (self.root / name).is_dir() and not self._is_linked(name)

    def first(self, *names: str) -> str | None:
        """Return the first of these files that exists."""
        return next((name for name in names if self.has(name)), None)

    def text(self, name: str) -> str:
        """Return a small file's text; empty for a missing, linked or large file."""
        if not self.has(name) or (self.root / name).stat().st_size > MAX_BYTES:
            return ""
        return (self.root / name).read_text(errors="replace")

    def head(self, name: str) -> str:
        """Return the beginning of a file of any size, such as a lock file."""
        if not self.has(name):
            return ""
        with (self.root / name).open("rb") as file:
            return file.read(HEAD_BYTES).decode(errors="replace")

    def json(self, name: str) -> dict[str, Any]:
        """Return a JSON object; raises PortwrightError where the file holds none."""
        try:
            content = json.loads(self.text(name).removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise _unreadable(name, "JSON object")
        return content

    def toml(self, name: str) -> dict[str, Any]:
        """Return a TOML document; raises PortwrightError where the file holds none."""
        try:
            return tomllib.loads(self.text(name))
        except (ValueError, RecursionError):
            raise _unreadable(name, "TOML document") from None

    def names(self, suffix: str, inside: str = ".") -> list[str]:
        """Return the files in a folder that end with suffix and have a safe path, sorted."""
        if inside != "." and not self.has_folder(inside):
            return []
        found = [
            path.relative_to(self.root).as_posix()
            for path in (self.root / inside).iterdir()
            if path.name.endswith(suffix)
        ]
        return sorted(name for name in found if SAFE_PATH.fullmatch(name) and self.has(name))

    def folders(self, inside: str = ".") -> list[str]:
        """Return the folders in a folder that have a safe path, sorted."""
        if inside != "." and not self.has_folder(inside):
            return []
        found = [path.relative_to(self.root).as_posix() for path in (self.root / inside).iterdir()]
        return sorted(name for name in found if SAFE_PATH.fullmatch(name) and self.has_folder(name))

    def _is_linked(self, name: str) -> bool:
        return (self.root / name).resolve() != self.root / name


def _unreadable(name: str, kind: str) -> PortwrightError:
    return PortwrightError(
        f"{name} is not a valid {kind} of at most {MAX_BYTES // 1024} kB",
        remedy=f"Correct {name}, or commit a Dockerfile.",
        path="build",
    )


def table(content: Any, *keys: str) -> dict[str, Any]:
    """Return a nested table of parsed JSON or TOML; empty where a key is missing."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def string(content: Any, *keys: str) -> str:
    """Return a nested string of parsed JSON or TOML; empty where a key is missing."""
    value = table(content, *keys[:-1]).get(keys[-1])
    return value if isinstance(value, str) else ""


def strings(content: Any) -> list[str]:
    """Return the strings of a list; empty for anything else."""
    return [item for item in content if isinstance(item, str)] if isinstance(content, list) else []
