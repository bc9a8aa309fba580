"""A run's log, read by byte offset, without what a terminal obeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.log_files import part_at, parts
from jobs.terminal import clean

PIECE = 64 * 1024
Show = Callable[[str], str]


@dataclass(frozen=True)
class Piece:
    """Text that is safe to show, and the offset of the byte that follows it."""

    text: str
    next: int


def read(
    path: Path,
    offset: int,
    *,
    final: bool,
    size: int = PIECE,
    until: int | None = None,
    show: Show = clean,
) -> Piece:
    """Whole lines from an offset on, about `size` bytes; of a final log also its last half line.

    until: an offset not to go beyond, where a line ends. Where the middle of a long log was
    left out, a line says so and reading goes on after it.
    """
    part, last = part_at(path, offset)
    if part is None:
        return Piece("", offset)
    if offset < part.start:
        told = f"… {part.start - offset} bytes of the log are left out here …\n"
        return Piece(told, part.start)
    if until is not None:
        size = max(0, min(size, until - offset))
    try:
        with part.path.open("rb") as file:
            file.seek(offset - part.start)
            data = file.read(size)
    except FileNotFoundError:
        return Piece("", offset)
    at_end = len(data) < size
    end = data.rfind(b"\n") + 1
    if end == 0 and not at_end:
        end = whole_characters(data)  # one line longer than a piece
    if at_end and (final or not last):
        end = len(data)
    return Piece(show(data[:end].decode("utf-8", "replace")), offset + end)


def whole_characters(data: bytes) -> int:
    """The length without the first bytes of a character that is cut off."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] & 0xC0 == 0xC0:
            return len(data) - back
        if data[-back] & 0x80 == 0:
            break
    return len(data)


def tail(path: Path, *, final: bool, size: int = PIECE, show: Show = clean) -> tuple[int, Piece]:
    """Where the last lines start, and these lines."""
    there = parts(path)
    length = there[-1].end if there else 0
    start = max(0, length - size)
    part, _ = part_at(path, start)
    if part is None:
        return 0, Piece("", 0)
    start = max(start, part.start)
    if start > part.start:
        with part.path.open("rb") as file:
            file.seek(start - part.start)
            start += len(file.readline())
    piece = read(path, start, final=final, size=size, show=show)
    while piece.next < length:  # over the seam of two files
        more = read(path, piece.next, final=final, size=size, show=show)
        if more.next == piece.next:
            break
        piece = Piece(piece.text + more.text, more.next)
    return start, piece
