"""Where the command line remembers its server and token: one file, readable by its owner only."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.errors import Failure


@dataclass(frozen=True)
class Config:
    url: str
    token: str


def path() -> Path:
    given = os.environ.get("PORTWRIGHT_CONFIG")
    return Path(given or "~/.config/portwright/config.json").expanduser()


def load() -> Config:
    """The server and token; PORTWRIGHT_URL and PORTWRIGHT_TOKEN win over the file."""
    saved: dict[str, str] = {}
    try:
        content = json.loads(path().read_text())
        saved = content if isinstance(content, dict) else {}
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise Failure(
            f"{path()} can't be read: {error}", "run portwright login URL, which writes it anew"
        ) from None
    url = os.environ.get("PORTWRIGHT_URL") or str(saved.get("url") or "")
    token = os.environ.get("PORTWRIGHT_TOKEN") or str(saved.get("token") or "")
    if not url or not token:
        raise Failure("you are not logged in", "run portwright login URL")
    if token != saved.get("token") or url == saved.get("url"):
        return Config(url, token)
    raise Failure(
        f"the saved token belongs to {saved.get('url')}, not to {url}",
        "set PORTWRIGHT_TOKEN too, or run portwright login with that URL",
    )


def save(config: Config) -> None:
    """Write the file anew, 0600 from its first byte on."""
    folder = path().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".config-")
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(config), file)
        os.replace(temporary, path())
    except OSError as error:
        raise Failure(f"{path()} can't be written: {error}", "set PORTWRIGHT_CONFIG") from None


def forget() -> None:
    path().unlink(missing_ok=True)
