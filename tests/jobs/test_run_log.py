"""The log is the one place that lines pass, and secrets do not."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.log import MASK, RunLog
from jobs.log_files import parts, whole
from portal.runs.log import read

SECRET = "p@ss/w rd+42"


def written(tmp_path: Path, *lines: str, hide: tuple[str, ...] = (SECRET,)) -> str:
    with RunLog(tmp_path / "runs/1.log") as log:
        log.hide(hide)
        for line in lines:
            log(line)
    return (tmp_path / "runs/1.log").read_text()


@pytest.mark.parametrize(
    "form",
    [SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()],
)
def test_a_secret_is_masked_in_every_form(tmp_path: Path, form: str) -> None:
    text = written(tmp_path, f"url=postgres://u:{form}@db/x")
    assert form.rstrip("=") not in text and MASK in text


def test_a_secret_within_another_leaves_nothing(tmp_path: Path) -> None:
    text = written(tmp_path, "token abcd1234efgh", hide=("1234", "abcd1234efgh"))
    assert text.split(" ", 1)[1] == f"token {MASK}\n"


def test_a_colour_within_a_secret_does_not_bring_it_out(tmp_path: Path) -> None:
    text = written(tmp_path, "hunter2\x1b[0msecret", hide=("hunter2secret",))
    assert "hunter" not in text and MASK in text


def test_a_value_kept_with_its_line_end_is_hidden_without_it(tmp_path: Path) -> None:
    assert "abc123" not in written(tmp_path, "key abc123 x", hide=("abc123\n",))


def test_very_short_values_are_left(tmp_path: Path) -> None:
    assert "a is on" in written(tmp_path, "a is on", hide=("a", "on"))


def test_lines_are_kept_with_their_time(tmp_path: Path) -> None:
    first, second, empty = written(tmp_path, "one\ntwo", "").splitlines()
    assert first[8:] == " one" and second[8:] == " two" and empty[8:] == " "
    assert (tmp_path / "runs/1.log").stat().st_mode & 0o777 == 0o600


SMALL = {"head": 300, "piece": 200, "kept": 2}


def test_of_a_long_log_beginning_and_end_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    with RunLog(path, **SMALL) as log:
        for number in range(200):
            log(f"line {number:04}")
    text = whole(path).decode()
    assert "line 0000" in text and "line 0199" in text and "line 0100" not in text
    assert len(text) <= 300 + 2 * 200
    assert parts(path)[-1].end == 200 * len("00:00:00 line 0000\n")


def test_another_worker_goes_on_where_the_first_died(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    for begin in (0, 50, 100):
        log = RunLog(path, **SMALL)  # never closed
        for number in range(begin, begin + 50):
            log(f"line {number:04}")
    assert parts(path)[-1].end == 150 * len("00:00:00 line 0000\n")
    assert whole(path).endswith(b" line 0149\n")


@given(st.lists(st.text("ab é", max_size=90), max_size=40), st.integers(40, 200), st.data())
def test_a_reader_meets_lines_once_and_in_order_up_to_the_last(
    lines: list[str], size: int, data: st.DataObject
) -> None:
    """However far behind the writer it is, and wherever the log was cut."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "1.log"
        text, offset = "", 0
        with RunLog(path, head=300, piece=size, kept=2) as log:
            for number, line in enumerate(lines):
                log(f"<{number}>{line}")
                if data.draw(st.booleans()):
                    piece = read(path, offset, final=False, size=64)
                    text, offset = text + piece.text, piece.next
        while (piece := read(path, offset, final=True, size=64)).next > offset:
            text, offset = text + piece.text, piece.next
        met = [int(number) for number in re.findall(r"<(\d+)>", text)]
        assert met == sorted(set(met))
        assert met[:1] == ([0] if lines else []) and met[-1:] == ([len(lines) - 1] if lines else [])
        assert "left out" in text or met == list(range(len(lines)))


def test_a_line_that_was_cut_off_stays_a_line(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_text("12:00:00 whole\n12:00:01 cut of")
    with RunLog(path) as log:
        log("taken up")
    lines = path.read_text().splitlines()
    assert lines[1] == "12:00:01 cut of" and lines[2].endswith(" taken up")
    assert parts(path)[-1].end == path.stat().st_size


def test_a_full_disk_costs_lines_and_not_the_run(tmp_path: Path) -> None:
    with RunLog(tmp_path / "1.log") as log:
        kept, log.file = log.file, os.open("/dev/full", os.O_WRONLY)
        log("lost")
        os.close(log.file)
        log.file = kept
        log("kept")
    assert whole(tmp_path / "1.log").endswith(b" kept\n")
