"""What another host says of its certificates, as of a machine that may be in a stranger's hands."""

from __future__ import annotations

import json
import socket
import threading
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rows import add_release
from sqlalchemy.orm import Session

from jobs import front
from jobs.hosts import certificates, reach, registry
from jobs.hosts.certificates import ask, entry, look, moment, port_of, read
from jobs.keeper import state_json, write
from jobs.models import Environment, Event, Host, Project, now
from jobs.queries import service_urls
from jobs.settings import Settings
from jobs.tls import AGAIN

HOST = "shop.example.com"
UNTIL = (now() + timedelta(days=60)).isoformat(timespec="seconds")
GOOD: dict[str, Any] = {
    "name": HOST, "stage": "issued", "issuer": "Let's Test", "until": UNTIL, "failure": None,
    "retry_at": None, "reach": {"here": True, "words": "it points here"},
}  # fmt: skip
FAILURE = {
    "name": HOST, "at": "2026-01-02T03:04:05+00:00", "problem": "dns", "cause": "no such name",
    "remedy": "add a record",
}  # fmt: skip
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
    from jobs.certificates import Certificate, Failure
    from jobs.domains import State

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


def serve(path: Path, *parts: bytes) -> list[bytes]:
    """A socket that answers the first caller so; what it was told is put in the list."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    door.listen()
    told: list[bytes] = []

    def answer() -> None:
        with door, door.accept()[0] as caller:
            told.append(caller.makefile("rb").readline())
            for part in parts:
                caller.sendall(part)

    threading.Thread(target=answer, daemon=True).start()
    return told


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


@pytest.fixture
def node(session: Session, settings: Settings, project: Project, environment: Environment) -> Host:
    """A host with HTTPS where a release with one name in the world serves."""
    host = registry.add(session, settings, "node", "ssh://root@node.example", by="alice")
    host.known_hosts = "node.example ssh-ed25519 AAAA\n"
    host.facts = {"docker": "29"}
    routes = [{"host": HOST}, {"host": "web.shop.localhost"}]
    web = {"image": "a", "image_ref": "a", "port": 80, "routes": routes, "tls": True}
    add_release(session, environment, 1).spec = {
        "project": "shop", "environment": "production", "commit": "a" * 40, "services": {"web": web},
    }  # fmt: skip
    project.host = host
    session.commit()
    return host


def listening(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    points = [{"name": "websecure", "address": f":{port}"}] if port else []
    traefik = SimpleNamespace(get=lambda path: points)
    monkeypatch.setattr(reach, "traefik_of", lambda settings, host: traefik)


def tell(settings: Settings, session: Session, host: Host, told: object) -> list[bytes]:
    """Look once at a host that says this; what it was asked."""
    path = reach.way_of(settings, host).certificates
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    asked = serve(path, json.dumps(told).encode())
    look(session, settings, host)
    return asked


def test_a_hosts_names_get_https_addresses_once_it_says_so(
    session: Session, settings: Settings, node: Host, environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    listening(monkeypatch, 443)
    plain = [f"http://{HOST}", "http://web.shop.localhost"]
    assert service_urls(session, environment, settings) == plain
    tell(settings, session, node, {HOST: {**GOOD, "stage": "asked", "until": None}})
    assert service_urls(session, environment, settings) == plain
    stranger = {"stranger.example.com": GOOD, "web.shop.localhost": GOOD}
    tell(settings, session, node, {HOST: GOOD, **stranger})
    assert node.facts == {
        "docker": "29", "https": {"port": 443, "domains": {HOST: GOOD}, "silent": False},
    }  # fmt: skip
    urls = [f"https://{HOST}", "http://web.shop.localhost"]
    assert service_urls(session, environment, settings) == urls


def test_a_silent_host_keeps_what_it_said_and_one_without_https_does_not(
    session: Session, settings: Settings, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(monkeypatch, 8443)
    tell(settings, session, node, {HOST: GOOD})
    reach.way_of(settings, node).certificates.unlink()
    look(session, settings, node)
    there = front.front_of(node, settings)
    assert (there.https_port, there.silent) == (8443, True)
    assert there.url(HOST, "/a") == f"https://{HOST}:8443/a"
    listening(monkeypatch, 0)
    look(session, settings, node)
    assert front.front_of(node, settings).url(HOST) == f"http://{HOST}"
    assert node.facts["https"] == {"port": 0, "domains": {}, "silent": False}


def test_of_a_host_that_is_away_only_old_knowledge_is_there(
    session: Session, settings: Settings, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(monkeypatch, 443)
    tell(settings, session, node, {HOST: GOOD})
    assert not front.front_of(node, settings).silent
    node.problem = {"message": "it does not answer", "remedy": "see that it runs"}
    there = front.front_of(node, settings)
    assert there.silent and there.url(HOST) == f"https://{HOST}"


def test_what_the_worker_wrote_is_read_once_for_a_page_of_many_projects(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings.home / "traefik/domains.json"
    write(path, json.dumps({HOST: GOOD}))
    first = front.kept(settings)
    assert first == {HOST: GOOD} and front.kept(settings) is first
    write(path, "{}")
    assert front.kept(settings) == {}
    path.unlink()
    assert front.kept(settings) == {}


def test_an_expired_certificate_is_no_reason_for_https() -> None:
    old = {**GOOD, "until": "2026-01-01T00:00:00+00:00"}
    assert front.Front(80, 443, {HOST: old}).url(HOST) == f"http://{HOST}"


def test_a_wish_for_another_attempt_reaches_the_host_of_that_name_only(
    session: Session, settings: Settings, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(monkeypatch, 443)
    for host in (HOST, "elsewhere.example.com"):
        session.add(Event(actor="bob", action=AGAIN, project="shop", detail={"host": host}))
    session.commit()
    (line,) = tell(settings, session, node, {})
    assert list(json.loads(line)["again"]) == [HOST]


def test_nothing_that_a_host_does_stops_its_turn(
    session: Session, settings: Settings, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = iter([OSError("away"), ValueError("no JSON"), RuntimeError("a bug")])

    def broken(*given: object) -> object:
        raise next(troubles)

    monkeypatch.setattr(reach, "traefik_of", broken)
    for _ in range(3):
        look(session, settings, node)
    assert node.facts == {"docker": "29"}
    listening(monkeypatch, 443)
    tell(settings, session, node, [1, 2])
    assert node.facts["https"] == {"port": 443, "domains": {}, "silent": True}
