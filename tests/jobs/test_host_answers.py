"""What another host says of its certificates, as of a machine that may be in a stranger's hands."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from said import FAILURE, GOOD, HOST, UNTIL, serve

from jobs.certificates import Certificate, Failure
from jobs.domains import State
from jobs.hosts import certificates
from jobs.hosts.certificates import ask, entry, moment, port_of, read
from jobs.keeper import state_json
from jobs.models import now

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["issued", "failing", HOST, UNTIL, "0001-01-01T00:00:00+00:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)  # fmt: skip


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"shop.example.com": {"stage": "issued", "until": 1e999}}')
@example(b"9" * 10_000)
def test_bytes_are_an_answer_or_refused(said: bytes) -> None:
    try:
        found = read(said, {HOST})
    except ValueError:
        return
    assert set(found) <= {HOST}


@given(st.fixed_dictionaries({key: VALUES for key in GOOD}), VALUES)
@example({**GOOD, "issuer": "\ud800\x00\x1b]0;x\x07<b>" + "x" * 10_000}, None)
@example({**GOOD, "stage": "failing", "failure": {**FAILURE, "cause": ["x"]}}, None)
@example({**GOOD, "name": "evil.example.com/?<script>"}, None)
def test_whatever_it_says_only_known_fields_of_the_right_shape_are_kept(
    told: dict[str, Any], more: Any
) -> None:
    found = entry({**told, "private": more, "reach": told["reach"]})
    if found is None:
        return
    assert list(found) == list(GOOD)
    for key in ("until", "retry_at"):
        assert found[key] is None or datetime.fromisoformat(found[key]).tzinfo
    assert found["stage"] != "issued" or found["until"]
    assert set(found["failure"] or FAILURE) == set(FAILURE)
    text = json.dumps(found, ensure_ascii=False)
    assert text.encode() and len(text) < 10_000
    assert not any(ord(each) < 32 for each in text)


def test_what_jobs_keeper_writes_is_kept_as_it_is() -> None:
    at = now().replace(microsecond=0)
    good = Certificate((HOST,), "Let's Test", at, at + timedelta(days=90))
    failed = Failure(HOST, at, "dns", "no such name", "add a record")
    for state in (State(HOST, "issued", good, failed), State(HOST, "failing", None, failed, at)):
        written = {
            **state_json(state),
            "reach": {"addresses": [], "here": True, "words": "it does"},
        }
        kept = {**written, "reach": {"here": True, "words": "it does"}}
        assert read(json.dumps({HOST: written}).encode(), {HOST}) == {HOST: kept}
    assert read(json.dumps({"other.example.com": written}).encode(), {HOST}) == {}


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-31T23:59:59-23:59", "now", "", 7, None, []]
)
def test_a_moment_that_is_none(text: Any) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("points", "port"),
    [
        ([{"name": "web", "address": ":80"}, {"name": "websecure", "address": "0.0.0.0:443"}], 443),
        ([{"name": "websecure", "address": "[::]:8443"}], 8443),
        ([{"name": "web", "address": ":80"}], 0),
        ([{"name": "websecure", "address": ":0"}], 0),
        ([{"name": "websecure", "address": ":99999"}], 0),
        ([{"name": "websecure"}, 7], 0),
        ({"websecure": 443}, 0), (None, 0), ("x", 0),
    ],
)  # fmt: skip
def test_whether_it_has_https_is_what_its_traefik_listens_on(points: Any, port: int) -> None:
    traefik: Any = SimpleNamespace(get=lambda path: points)
    assert port_of(traefik) == port


def test_a_flood_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "MOST", 1000)
    serve(tmp_path / "s", b"x" * 600, b"x" * 600)
    with pytest.raises(ValueError, match="too much"):
        ask(tmp_path / "s", {})


def test_a_trickle_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(tmp_path / "s", b"{")
    times = iter([0.0, certificates.PATIENCE + 1])
    monkeypatch.setattr(certificates, "time", SimpleNamespace(monotonic=times.__next__))
    with pytest.raises(TimeoutError, match="too little"):
        ask(tmp_path / "s", {})
