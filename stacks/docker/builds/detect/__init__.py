"""Detection writes a Dockerfile for a folder that has none.

`registry` lists the kinds of projects in order; each has a module that reads the folder and writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.procfile import process_of
from stacks.docker.builds.detect.registry import DETECTORS, QUIET
from stacks.docker.builds.detect.static import static
from stacks.errors import PortwrightError

PATH = re.compile(r"(/[A-Za-z0-9._@+-]+)+/?")

__all__ = ["DETECTORS", "Detected", "detect", "static"]


def detect(folder: Path, service: str, volumes: Sequence[str] = ()) -> Detected:
    """Return a Dockerfile for a folder.

    service: chooses the line of the Procfile, and the program where the folder has several.
    volumes: paths in the container that its user must be able to write.
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
    return with_volumes(replace(detected, notices=detected.notices + others), volumes)


def with_volumes(detected: Detected, volumes: Sequence[str]) -> Detected:
    """Create the volumes' folders for the image's user: a new volume takes over their owner.

    Raises ValueError for a path that is not a plain absolute one.
    """
    lines = detected.dockerfile.splitlines()
    places = [index for index, line in enumerate(lines) if line.startswith("USER ")]
    if not volumes or not places:
        return detected
    if not all(PATH.fullmatch(each) for each in volumes):
        raise ValueError(f"not plain paths: {volumes!r}")
    user = lines[places[-1]].removeprefix("USER ").partition(":")[0]
    paths = " ".join(sorted(volumes))
    lines.insert(places[-1], f"RUN install -d -o {user} {paths}")
    notice = (
        f"The program runs as the user {user}, not as root. If root wrote files to {paths} "
        "before, change their owner once."
    )
    text = "\n".join(lines) + "\n"
    return replace(detected, dockerfile=text, notices=(*detected.notices, notice))
