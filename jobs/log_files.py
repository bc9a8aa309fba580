"""How a Run's log lies on the disk: its beginning for good, and the newest of the rest.

`N.log` is the beginning. What follows goes to `N.log.OFFSET`, files named by the offset of
their first byte among all that was ever written; only the newest few stay. Offsets never
move, so that a reader can always say how far it has read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """A file of the log; start, end: the offsets of its first byte and of the one after its last."""

    path: Path
    start: int
    end: int


def parts(path: Path) -> list[Part]:
    """What there is of a log, in order; empty where it has not begun."""
    found = [(0, path)] if path.exists() else []
    for each in path.parent.glob(f"{path.name}.*"):
        suffix = each.name.removeprefix(f"{path.name}.")
        if suffix.isdigit():
            found.append((int(suffix), each))
    there = []
    for start, file in sorted(found):
        try:
            there.append(Part(file, start, start + file.stat().st_size))
        except FileNotFoundError:  # the writer has dropped it meanwhile
            continue
    return there


def part_at(path: Path, offset: int) -> tuple[Part | None, bool]:
    """The part that holds this offset, or the next one after it; and whether it is the last.

    At the end of what is there, the last part itself.
    """
    there = parts(path)
    for index, part in enumerate(there):
        if offset < part.end:
            return part, index == len(there) - 1
    return (there[-1], True) if there else (None, True)


def whole(path: Path) -> bytes:
    """All that is left of a log."""
    return b"".join(part.path.read_bytes() for part in parts(path))
