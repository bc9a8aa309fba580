"""What a detector receives and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stacks.docker.builds.detect.folder import Folder


@dataclass(frozen=True)
class Source:
    """A folder without a Dockerfile, and the service that is built from it.

    process: the shell command of the service's line in the Procfile.
    """

    folder: Folder
    service: str
    process: str | None = None


@dataclass(frozen=True)
class Detected:
    """A generated Dockerfile.

    found: what was recognized, such as "Python: requirements.txt, Flask in app.py".
    port: the default port of the server; None where no server is known.
    """

    dockerfile: str
    found: str
    notices: tuple[str, ...] = ()
    port: int | None = None


@dataclass(frozen=True)
class Detector:
    """One kind of project.

    marker: returns the file that identifies the kind, or None.
    covers: other kinds that this one builds too, or that often lie beside it.
    """

    name: str
    marker: Callable[[Folder], str | None]
    write: Callable[[Source], Detected]
    covers: frozenset[str] = frozenset()
