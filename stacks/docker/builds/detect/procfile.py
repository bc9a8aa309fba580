"""The Procfile, as on Heroku: a line per process, its command read by a shell."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.folder import Folder

LINE = re.compile(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*?)[ \t\r]*$", re.M)


def process_of(folder: Folder, service: str) -> str | None:
    """Return the command of the service's line, or of `web` where it has none."""
    lines = dict(LINE.findall(folder.text("Procfile")))
    return lines.get(service) or lines.get("web")
