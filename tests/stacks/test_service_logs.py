"""Lines of several containers: in order, each once, also for a reader who comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import NotFound

from stacks.service_logs import Following, Line, later, newest


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
def test_lines_are_followed_from_a_moment_on(size: int) -> None:
    web: Any = Container("web", *((n, f"line {n}") for n in range(1, 9)), size=size)
    following = Following(at(5))
    following.follow([web])
    assert texts(gathered(following, 3)) == ["line 6", "line 7", "line 8"]
    assert following.cursors == {"webwebwebweb": at(8)}


def test_a_container_that_starts_later_is_followed_and_one_that_goes_is_forgotten() -> None:
    web: Any = Container("web", (1, "a"))
    job: Any = Container("job", (2, "b"))
    following = Following(at(0))
    following.follow([web])
    assert not following.unread([web]) and following.unread([web, job])
    following.follow([job])
    assert texts(gathered(following, 2)) == ["a", "b"]
    assert following.cursors == {"jobjobjobjob": at(2)}


def test_who_comes_back_gets_what_is_newer_of_each_container() -> None:
    """A line that another container printed at a moment that was seen already is not lost."""
    web: Any = Container("web", (1, "a"), (3, "c"))
    job: Any = Container("job", (1, "b"), (2, "d"))
    new: Any = Container("new", (1, "e"))
    cursors = {"webwebwebweb": at(3), "jobjobjobjob": at(1)}
    assert texts(later([web, job, new], cursors)) == ["e", "d"]


def test_odd_bytes_are_no_error() -> None:
    web: Any = Container("web", (1, "x"))
    web.raw += b"\xff\xfe no moment\n"
    lines = newest([web], 5)
    assert any("no moment" in line.text for line in lines)
