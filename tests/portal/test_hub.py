"""Many readers of one log: one look for all, each line once, nobody waits for another."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.errors import Refused
from portal.runs import hub as hub_module
from portal.runs import stream
from portal.runs.hub import Hub, Hubs
from portal.streams import Portal, Room, event_stream

DATA = re.compile(r"^data: (.*)$", re.M)


class Log:
    """What a worker writes, without the times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("ab", buffering=0)

    def write(self, text: str) -> None:
        self.file.write(text.encode())


def said(text: str) -> list[str]:
    parts = [part for part in text.split("\n\n") if part.startswith("event: log")]
    return [line for part in parts for line in DATA.findall(part)]


def test_one_look_serves_all_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "POLL", 0.02)
    log, states, asked = Log(tmp_path / "1.log"), ["building"], []

    def state_of() -> str:
        asked.append(1)
        return states[0]

    hubs, texts = Hubs(), []

    def reader() -> None:
        texts.append("".join(stream.stream(hubs, log.path, 0, state_of)))

    threads = [threading.Thread(target=reader) for _ in range(40)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for number in range(200):
        log.write(f"line {number}\n")
        time.sleep(0.001)
    states[0] = "succeeded"
    for thread in threads:
        thread.join(10)
    assert len(texts) == 40
    expected = [f"line {number}" for number in range(200)]
    assert all(said(text) == expected for text in texts)
    assert all(text.endswith("data: succeeded\n\n") for text in texts)
    assert len(asked) < 40 + (time.monotonic() - began) / 0.02  # and not 40 times that
    time.sleep(0.2)
    assert hubs.open == {}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
    st.integers(0, 400),
    st.integers(80, 200),
)
def test_a_slow_reader_and_one_that_begins_anywhere_miss_nothing(
    writes: list[int], pace: list[int], begin: int, size: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "PIECE", size)
        patch.setattr(hub_module, "KEPT", 3)
        path = Path(folder) / "1.log"
        log = Log(path)
        hub = Hub(path, lambda: "building")
        written, seen, offset = "", "", begin
        for number, length in enumerate(writes):
            line = f"{number} " + "x" * length + "\n"
            log.write(line)
            written += line
            if number % pace[number % len(pace)] == 0:
                hub.look()
                piece = hub.after(offset)
                if piece:
                    assert piece.start == offset
                    offset, seen = piece.next, seen + "".join(f"{x}\n" for x in said(piece.text))
        hub.look()
        while piece := hub.after(offset):
            offset, seen = piece.next, seen + "".join(f"{x}\n" for x in said(piece.text))
        assert seen == written[begin:]
        log.file.close()


def test_a_database_that_does_not_answer_ends_the_streams_only(tmp_path: Path) -> None:
    def state_of() -> str:
        raise RuntimeError("no database")

    assert "".join(stream.stream(Hubs(), tmp_path / "1.log", 0, state_of)) == "retry: 2000\n\n"


def test_streams_end_with_the_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "POLL", 0.02)
    lines = stream.stream(Hubs(), tmp_path / "1.log", 0, lambda: "building")
    assert "building" in next(lines) + next(lines)
    monkeypatch.setattr(Portal, "stopping", True)
    assert list(lines) == []


def test_who_finds_no_place_is_asked_to_come_back() -> None:
    room = Room(1)
    with room.place(), pytest.raises(Refused) as refused:
        room.enter()
    assert refused.value.code == 503 and refused.value.headers == {"Retry-After": "5"}
    room.enter()


def test_a_place_is_free_again_where_nothing_was_ever_read() -> None:
    room = Room(1)
    with Flask("x").test_request_context():
        answer = event_stream(iter(["x"]), room)
        assert room.taken == 1
        answer.close()
        answer.close()
    assert room.taken == 0
