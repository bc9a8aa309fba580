"""Reading a log by offset, and as a stream that can be come back to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from jobs.models import Run
from jobs.settings import Settings
from portal.database import db
from portal.runs import stream
from portal.runs.hub import Hub
from portal.runs.log import clean, read, tail


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("\x1b[1;32mgreen\x1b[0m", "green"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r50%\r100%\r\nnext", "100%\nnext"),
        ("a\x00b\x08c\x9bd", "abcd"),
        ("\u202etxt", "txt"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_a_terminal_has_nothing_to_obey(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_only_whole_lines_until_the_run_is_final(tmp_path: Path) -> None:
    log = tmp_path / "1.log"
    assert read(log, 0, final=False).next == 0
    log.write_bytes(b"eins\nzw")
    piece = read(log, 0, final=False)
    assert (piece.text, piece.next) == ("eins\n", 5)
    assert read(log, 5, final=False).text == ""
    assert read(log, 5, final=True).text == "zw"
    assert read(log, 99, final=True).next == 99


def test_a_long_line_and_hostile_bytes_get_through(tmp_path: Path) -> None:
    log = tmp_path / "1.log"
    log.write_bytes("é".encode() * 50 + b"\xff\xfe\n")
    offset, text = 0, ""
    while offset < 103:
        piece = read(log, offset, final=True, size=7)
        assert piece.next > offset
        offset, text = piece.next, text + piece.text
    assert text.replace("\ufffd", "") == "é" * 50 + "\n"


def test_the_tail_starts_at_a_line(tmp_path: Path) -> None:
    log = tmp_path / "1.log"
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    start, piece = tail(log, final=True, size=50)
    assert piece.text.startswith("line 9") and piece.next == log.stat().st_size
    assert log.read_bytes()[start - 1 : start] == b"\n"


@pytest.fixture
def log(app: Flask, settings: Settings) -> Path:
    path = settings.run_log(3)
    path.write_bytes(b"one\n\x1b[31mtwo\x1b[0m\n<b>three</b>")
    return path


def test_the_log_by_offset(log: Path, api: Any) -> None:
    answer = api("vera").get("/api/runs/3/log?offset=4")
    assert answer.text == "two\n<b>three</b>"
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["X-Next-Offset"] == str(log.stat().st_size)
    assert answer.headers["X-Run-State"] == "succeeded"
    for bad in ("-1", "x", "1e3", "٣"):
        refused = api("vera").get(f"/api/runs/3/log?offset={bad}")
        assert refused.status_code == 422 and refused.json["error"]["path"] == "offset"


def test_the_stream_resumes_where_the_browser_was(log: Path, page: Any) -> None:
    vera, path = page("vera"), "/api/runs/3/log/stream"
    whole = vera.get(path)
    assert whole.content_type.startswith("text/event-stream")
    size = log.stat().st_size
    first = 'event: log\nid: 17\ndata: one\ndata: <span class="ink1">two</span>\n\n'
    assert first + f"event: log\nid: {size}\ndata: &lt;b&gt;three&lt;/b&gt;\n\n" in whole.text
    assert whole.text.endswith(f"event: end\nid: {size}\ndata: succeeded\n\n")
    resumed = vera.get(f"{path}?offset=0", headers={"Last-Event-ID": "4"}).text
    assert "data: one" not in resumed and ">two</span>" in resumed
    wrong = vera.get(path, headers={"Last-Event-ID": "x"})
    assert wrong.status_code == 422


def test_the_stream_follows_until_the_run_is_final(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "1.log"
    states = ["queued", "building", "building", "failed", "failed"]
    writes = ["", "", "one\ntw", "o\nlast", ""]

    def state_of() -> str:
        with log.open("a") as file:
            file.write(writes.pop(0) if writes else "")
        return states.pop(0) if states else "failed"

    hub = Hub(log, state_of)
    monkeypatch.setattr(hub, "wait", lambda *_: hub.look())
    hub.look()
    assert "".join(stream.events(hub, 0)) == (
        "retry: 2000\n\nevent: state\ndata: queued\n\nevent: state\ndata: building\n\n"
        "event: log\nid: 4\ndata: one\n\nevent: log\nid: 12\ndata: two\ndata: last\n\n"
        "event: end\nid: 12\ndata: failed\n\n"
    )


def test_a_silent_stream_shows_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.0)
    hub = Hub(tmp_path / "1.log", lambda: "queued")
    hub.look()
    lines = stream.events(hub, 0)
    assert [next(lines) for _ in range(3)][2] == ": still here\n\n"
    lines.close()


def test_a_stream_holds_no_connection(app: Flask, api: Any, settings: Settings) -> None:
    with app.app_context():
        run = db.session.get(Run, 3)
        assert run
        run.state = "building"
        db.session.commit()
        engine = db.engine
    answer = api("vera").get("/api/runs/3/log/stream", buffered=False)
    parts = iter(answer.response)
    assert [next(parts), next(parts)][1] == b"event: state\ndata: building\n\n"
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    answer.close()
