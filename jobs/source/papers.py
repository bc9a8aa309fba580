"""Files that git and ssh are given to read: they live in memory and go with this process.

Their paths (/proc/PID/fd/N) can be opened by this user only. Nothing of them is ever on a
disk, so a killed worker leaves no key behind. memfd_create(2), proc(5).
"""

from __future__ import annotations

import os
from types import TracebackType


class Papers:
    """Open it around the use of its files."""

    def __init__(self) -> None:
        self.descriptors: list[int] = []

    def __enter__(self) -> Papers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self.descriptors:
            os.close(self.descriptors.pop())

    def file(self, text: str) -> str:
        """The path of a new file with this text. ssh takes a key only where others can't read it."""
        descriptor = os.memfd_create("portwright", os.MFD_CLOEXEC)
        self.descriptors.append(descriptor)
        os.fchmod(descriptor, 0o600)
        with os.fdopen(os.dup(descriptor), "w") as file:
            file.write(text)
        return f"/proc/{os.getpid()}/fd/{descriptor}"
