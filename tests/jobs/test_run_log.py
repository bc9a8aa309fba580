"""The log is the one place that lines pass, and secrets do not."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.log import MASK, RunLog

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


def test_very_short_values_are_left(tmp_path: Path) -> None:
    assert "a is on" in written(tmp_path, "a is on", hide=("a", "on"))


def test_lines_are_kept_with_their_time(tmp_path: Path) -> None:
    first, second, empty = written(tmp_path, "one\ntwo", "").splitlines()
    assert first[8:] == " one" and second[8:] == " two" and empty[8:] == " "
    assert (tmp_path / "runs/1.log").stat().st_mode & 0o777 == 0o600


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_value_gets_through(secret: str, before: str, after: str) -> None:
    log = RunLog.__new__(RunLog)
    log.hidden = []
    log.hide([secret])
    if secret not in before + MASK and secret not in MASK + after:
        assert secret not in log.redact(f"{before}{secret}{after}").replace(MASK, "\0")
