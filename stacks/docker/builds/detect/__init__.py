"""Detection writes a Dockerfile for a folder that has none.

`registry` lists the kinds of projects in order; each has a module that reads the folder and writes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.procfile import process_of
from stacks.docker.builds.detect.registry import DETECTORS, QUIET
from stacks.docker.builds.detect.static import static
from stacks.errors import PortwrightError

__all__ = ["DETECTORS", "Detected", "detect", "static"]


def detect(folder: Path, service: str) -> Detected:
    """Return a Dockerfile for a folder.

    service: chooses the line of the Procfile, and the program where the folder has several.
    Raises PortwrightError where nothing is recognized, or the choice is not clear.
    """
    files = Folder(folder)
    found = [(kind, marker) for kind in DETECTORS if (marker := kind.marker(files))]
    if not found:
        raise PortwrightError(
            "There is no Dockerfile, and no file that shows how to build this folder",
            remedy="Commit a Dockerfile, or a file such as requirements.txt, package.json, go.mod, "
            "Gemfile, composer.json or index.html.",
            path="build",
        )
    first = found[0][0]
    detected = first.write(Source(files, service, process_of(files, service)))
    others = tuple(
        f"{marker} ({kind.name}) is not used: this folder builds as {first.name}. "
        "Commit a Dockerfile to choose otherwise."
        for kind, marker in found[1:]
        if kind.name not in first.covers | QUIET
    )
    return replace(detected, notices=detected.notices + others)
