"""Lines of several containers: in order, each once, also for a reader who comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import NotFound

from stacks.service_logs import Following, Line, newest


class Container:
    """What Docker gives of one container: lines with their moments, also in odd pieces."""

    def __init__(self, service: str, *lines: tuple[int, str], size: int = 7) -> None:
        self.id = service * 12
        self.labels = {"portwright.service": service}
        self.raw = b"".join(f"{at(second)} {text}\n".encode() for second, text in lines)
        self.size = size

    def logs(self, *, stream: bool = False, tail: Any = "all", **_: Any) -> bytes | Iterator[bytes]:
        if stream:
            return (self.raw[i : i + self.size] for i in range(0, len(self.raw), self.size))
        return b"".join(self.raw.splitlines(keepends=True)[-tail:])


class Gone(Container):
    def logs(self, **_: Any) -> bytes:
        raise NotFound("gone")


def at(second: int) -> str:
    return f"2026-01-10T12:00:{second:02}.000000001Z"


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_lines_of_all_containers_are_in_the_order_of_their_moments() -> None:
    web = Container("web", (1, "a"), (3, "c"), (5, "e"))
    db = Container("db", (2, "b"), (4, "d"))
    found: list[Any] = [web, db, Gone("old")]
    assert texts(newest(found, 10)) == ["a", "b", "c", "d", "e"]
    assert texts(newest(found, 2)) == ["d", "e"]
    assert newest(found, 1) == [Line(at(5), "web", "webwebwebweb", "e")]


def gathered(following: Following, count: int) -> list[Line]:
    lines: list[Line] = []
    deadline = time.monotonic() + 5
    while len(lines) < count and time.monotonic() < deadline:
        lines += following.take(0.1)
    lines += following.take(0.1)
    following.close()
    return sorted(lines)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_who_comes_back_gets_what_is_newer_and_nothing_twice(size: int) -> None:
    web: Any = Container("web", *((n, f"line {n}") for n in range(1, 9)), size=size)
    whole = gathered(Following([web]), 8)
    assert texts(whole) == [f"line {n}" for n in range(1, 9)]
    rest = gathered(Following([web], after=whole[4].at), 3)
    assert texts(rest) == ["line 6", "line 7", "line 8"]


def test_odd_bytes_are_no_error() -> None:
    web: Any = Container("web", (1, "x"))
    web.raw += b"\xff\xfe no moment\n"
    lines = newest([web], 5)
    assert any("no moment" in line.text for line in lines)
