"""What another host says of its certificates is kept with it, and gives its names their addresses."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from rows import add_release
from said import GOOD, HOST, serve
from sqlalchemy.orm import Session

from jobs import front
from jobs.hosts import reach, registry
from jobs.hosts.certificates import look
from jobs.keeper import write
from jobs.models import Environment, Event, Host, Project
from jobs.queries import service_urls
from jobs.settings import Settings
from jobs.tls import AGAIN


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
