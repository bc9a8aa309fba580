"""A file with a random secret: made where it is missing, whole or not at all, and never changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, operation
from pyinfra.facts.files import File


@operation()
def secret_file(path: str, make: Callable[[], str]) -> Generator[Any, None, None]:
    """The file is there, mode 600. Its content never passes a command line or a log."""
    if host.get_fact(File, path=path):
        host.noop(f"{path} is there")
        return
    yield FunctionCommand(write_once, [path, make()], {})


def write_once(path: str, value: str) -> None:
    partial = Path(path + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
