"""Whether a name leads here: what answers at its addresses may be anybody's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import reach

HOST = "shop.example.com"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


@pytest.fixture
def serve() -> Iterator[Any]:
    """A server that answers one caller so, piece by piece; its port. What it was asked: asked."""
    doors = []

    def serving(*pieces: bytes) -> int:
        door = socket.create_server(("127.0.0.1", 0))
        doors.append(door)

        def answer() -> None:
            with door.accept()[0] as caller:
                serving.asked = caller.recv(4096)  # type: ignore[attr-defined]
                for piece in pieces:
                    caller.sendall(piece)

        threading.Thread(target=answer, daemon=True).start()
        return int(door.getsockname()[1])

    yield serving
    for door in doors:
        door.close()


@pytest.mark.parametrize(
    ("said", "here"),
    [
        (OK, True),
        (OK.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked")[:-2] + b"2\r\nOK\r\n0\r\n\r\n", True),
        (OK.replace(b"Content-Length: 2", b"Connection: close"), True),
        (OK[:-1], False), (OK.replace(b"200", b"302"), False), (OK.replace(b"h: 2", b"h: 3") + b"!", False),
        (b"", False), (b"SSH-2.0-OpenSSH\r\n", False), (b"HTTP/1.1 200 OK\r\n", False),
        (b"x" * 2 * reach.LONGEST, False),
    ],
)  # fmt: skip
def test_only_this_traefiks_answer_counts(serve: Any, said: bytes, here: bool) -> None:
    port = serve(said[:20], said[20:])
    assert reach.answers("127.0.0.1", HOST, port, "/path") is here
    assert serve.asked.startswith(b"GET /path HTTP/1.1\r\nHost: shop.example.com\r\n")


def test_a_trickle_does_not_hold_up_who_looks(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, reach.PATIENCE + 1])
    monkeypatch.setattr(reach, "time", SimpleNamespace(monotonic=times.__next__))
    assert not reach.answers("127.0.0.1", HOST, serve(OK), "/path")


def test_nobody_there_is_not_here() -> None:
    assert not reach.answers("127.0.0.1", HOST, 1, "/path")


def test_a_name_with_many_addresses_is_not_asked_at_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    infos = [(0, 0, 0, "", (f"192.0.2.{number}", 80)) for number in range(100)]
    monkeypatch.setattr(reach.socket, "getaddrinfo", lambda *_, **__: infos)
    monkeypatch.setattr(reach, "answers", lambda address, *_: asked.append(address))
    found = reach.look(HOST, 80, "/path")
    assert len(asked) == reach.MOST and not found["here"]
