"""Hosts as their owner meets them: pages and API; nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sample_data as data
from sqlalchemy.orm import Session

from jobs.hosts import registry, trust
from jobs.models import Event, Host, Project, User
from jobs.settings import Settings
from jobs.source import HostKey

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIEtbq7Mv1TfwEko2T88bNvJ3RYA5QORYwg+trMSAXzTJ"
SHOWN = HostKey("ssh-ed25519", KEY, "SHA256:nkDMvOTAJC6YTaROwNxegQObyEFVqmPIwy+sO1TmOeI")


@pytest.fixture
def owner(app: Any, session: Session) -> str:
    """Alice is the host's owner."""
    session.query(User).filter_by(email=data.email("alice")).one().host_owner = True
    session.commit()
    return "alice"


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What any host shows; a real one's keys are scanned in tests/hosts_many."""
    monkeypatch.setattr(trust, "scan_host_key", lambda *_: [SHOWN])


def add(session: Session, settings: Settings, name: str = "node", **more: Any) -> Host:
    host = registry.add(session, settings, name, f"ssh://root@{name}.example", by="alice", **more)
    host.known_hosts = SHOWN.line(f"{name}.example") + "\n"
    session.commit()
    return host


def test_the_page_begins_with_this_machine_and_the_menu_leads_to_it(page: Any, owner: str) -> None:
    text = page(owner).get("/hosts").text
    assert "local" in text and "this machine" in text and "1 project" in text
    assert 'href="/hosts"' in page(owner).get("/").text
    assert 'href="/hosts"' not in page("bob").get("/").text


@pytest.mark.usefixtures("shows")
def test_a_host_is_added_confirmed_labelled_and_drained_by_the_page(
    page: Any, owner: str, session: Session
) -> None:
    alice = page(owner)
    form = {
        "name": "node", "address": "ssh://root@203.0.113.5",
        "http_port": "8080", "traefik_port": "8701",
    }  # fmt: skip
    assert alice.post("/hosts", data=form).headers["Location"] == "/hosts/node"
    text = alice.get("/hosts/node").text
    assert "restrict,port-forwarding,command=" in text and "None is pinned" in text
    assert SHOWN.fingerprint in alice.post("/hosts/node", data={"do": "scan"}).text
    chosen = {"do": "confirm", "fingerprint": SHOWN.fingerprint}
    assert alice.post("/hosts/node", data=chosen).status_code == 302
    assert alice.post("/hosts/node", data={"do": "label", "labels": "region=eu"}).status_code == 302
    assert alice.post("/hosts/node", data={"do": "drain"}).status_code == 302
    node = session.query(Host).filter_by(name="node").one()
    assert node.known_hosts == f"203.0.113.5 ssh-ed25519 {KEY}\n"
    assert (node.labels, node.http_port, node.drained_at is not None) == (
        {"region": "eu"},
        8080,
        True,
    )
    text = alice.get("/hosts/node").text
    assert "region=eu" in text and "drained" in text and SHOWN.fingerprint in text
    assert alice.post("/hosts/node", data={"do": "remove"}).headers["Location"] == "/hosts"
    actions = [each.action for each in session.query(Event).filter(Event.action.like("host.%"))]
    assert actions == [
        "host.added", "host.confirmed", "host.labelled", "host.drained", "host.removed",
    ]  # fmt: skip


def test_what_is_wrong_stands_on_the_page_with_what_was_typed(page: Any, owner: str) -> None:
    form = {"name": "node", "address": "-oProxyCommand=x", "http_port": "80", "traefik_port": "1"}
    answer = page(owner).post("/hosts", data=form)
    assert answer.status_code == 422
    assert "is no host to log in to" in answer.text and 'value="-oProxyCommand=x"' in answer.text
    assert page(owner).get("/hosts/nowhere").status_code == 404
    assert page(owner).post("/hosts/local", data={"do": "nothing"}).status_code == 422


def test_labels_and_names_of_a_host_are_escaped(
    page: Any, owner: str, session: Session, settings: Settings
) -> None:
    node = add(session, settings)
    node.problem = {"message": data.HOSTILE, "remedy": data.HOSTILE}
    node.facts = {"docker": data.HOSTILE, "warnings": [data.HOSTILE]}
    session.commit()
    for path in ("/hosts", "/hosts/node"):
        text = page(owner).get(path).text
        assert "&lt;script&gt;" in text and "<script>alert" not in text


def test_the_api_tells_all_but_the_private_key(
    api: Callable[[str], Any], owner: str, session: Session, settings: Settings
) -> None:
    node = add(session, settings)
    session.get_one(Project, 1).host = node
    session.commit()
    local, told = api(owner).get("/api/hosts").json["hosts"]
    assert (local["name"], local["address"], local["projects"]) == ("local", None, [])
    line = told.pop("authorized_key")
    assert line.startswith("restrict,") and "PRIVATE" not in line
    assert told == {
        "name": "node", "address": "ssh://root@node.example", "status": "active", "labels": {},
        "projects": ["sample"], "serving": ["sample production"], "runs": told["runs"],
        "drained_at": None, "checked_at": None, "problem": None, "facts": {}, "http_port": 80,
        "traefik_port": 8701,
        "pinned": [{"type": "ssh-ed25519", "fingerprint": SHOWN.fingerprint}],
    }  # fmt: skip
    refused = api(owner).delete("/api/hosts/node")
    assert refused.status_code == 422
    assert "1 projects are placed on node: sample" in refused.json["error"]["message"]


def test_a_member_who_is_no_owner_of_the_host_places_a_new_project(
    api: Callable[[str], Any], session: Session, settings: Settings
) -> None:
    node = add(session, settings)
    body = {"name": "mine", "repository": "https://x.example/mine.git", "host": "node"}
    made = api("bob").post("/api/projects", json=body)
    assert (made.status_code, made.json["project"]["host"]) == (201, "node")
    moved = api("bob").put("/api/projects/mine/host", json={"host": "local"})
    assert (moved.status_code, moved.json["project"]["host"]) == (200, "local")
    assert api("bob").put("/api/projects/mine/host", json={}).status_code == 422
    registry.drain(session, node, by="alice")
    refused = api("bob").put("/api/projects/mine/host", json={"host": "node"})
    assert refused.status_code == 422 and "drained" in refused.json["error"]["message"]


def test_addresses_are_those_of_the_machine_that_serves(
    api: Callable[[str], Any], session: Session, settings: Settings
) -> None:
    session.get_one(Project, 1).host = add(session, settings, http_port=8088)
    session.commit()
    assert api("vera").get("/api/projects/sample").json["project"]["urls"] == [
        "http://web.sample.localhost:8088"
    ]
    (domain,) = api("vera").get("/api/projects/sample/domains").json["domains"]
    assert domain["url"] == "http://web.sample.localhost:8088"
    assert domain["words"] == "plain HTTP, on host node"
