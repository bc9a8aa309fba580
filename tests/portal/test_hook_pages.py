"""Hooks and what was sent to them: pages, API, and a forge where Portwright makes the hook itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sample_data as data
from flask import Flask
from sqlalchemy.orm import Session

from jobs.models import Delivery, Hook, Run, Source
from jobs.settings import Settings
from portal.database import db
from portal.hooks import by_hand
from portal.hooks.deliveries import MOST_SHOWN

HOOKS = "/api/projects/sample/hooks"
PAGE = "/projects/sample/hooks"


class Forge:
    """Gitea's API for hooks: makes them, forgets them, remembers what it was sent."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                forge.made[str(41 + len(forge.made))] = {"path": self.path, **sent}
                self.answer(201, {"id": 40 + len(forge.made)})

            def do_DELETE(self) -> None:
                gone = forge.made.pop(self.path.rpartition("/")[2], None)
                self.answer(204 if gone else 404, {})

            def answer(self, status: int, body: Any) -> None:
                text = b"" if status == 204 else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v1"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def forge() -> Iterator[Forge]:
    forge = Forge()
    yield forge
    forge.server.shutdown()
    forge.server.server_close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", allowed_hosts="127.0.0.1")
    data.make_home(settings)
    return settings


@pytest.fixture
def told(app: Flask, settings: Settings) -> None:
    with app.app_context():
        data.make_told(db.session, settings)


def test_a_secret_is_shown_once_with_what_to_type(page: Any, session: Session) -> None:
    alice = page("alice")
    made = alice.post(PAGE, data={"scheme": "github"}).text
    hook = session.query(Hook).one()
    secret = made.partition('<pre class="token" tabindex="0">')[2].partition("<")[0]
    assert len(secret) == 43 and "Payload URL" in made
    assert f"http://localhost:8700/hooks/{hook.address}" in made
    assert secret not in alice.get(PAGE).text
    source = session.query(Source).one()  # so that it is looked at by time, too
    assert (source.forge, source.poll_minutes) == ("github", 10)


@pytest.mark.parametrize(
    ("repository", "kind"),
    [
        ("git@github.com:me/shop.git", "github"),
        ("https://gitlab.com/me/shop.git", "gitlab"),
        ("ssh://git@gitlab.example.org:2222/me/shop.git", "gitlab"),
        ("https://codeberg.org/me/shop", "gitea"),
        ("https://bitbucket.org/me/shop", "bitbucket"),
        ("https://notgithub.com.example.org/me/shop", "generic"),
        ("/srv/git/shop.git", "generic"),
    ],
)
def test_the_forge_is_guessed_from_the_address(
    api: Any, session: Session, repository: str, kind: str
) -> None:
    session.query(data.Project).one().repository = repository
    session.commit()
    made = api("alice").post(HOOKS, json={}).json
    assert (made["hook"]["scheme"], made["set_up"], made["problem"]) == (kind, False, None)
    assert made["by_hand"]["place"] == by_hand.PLACES[kind]
    assert [made["hook"]["url"]] == [
        text for _, text in made["by_hand"]["fields"] if "http" in text
    ]


def test_with_a_token_the_hook_is_made_at_the_forge_and_taken_away_there(
    api: Any, page: Any, forge: Forge, session: Session
) -> None:
    alice = api("alice")
    there = {"forge": "gitea", "api_url": forge.url, "full_name": "me/sample"}
    alice.patch("/api/projects/sample/source", json=there)
    alice.put("/api/projects/sample/source/credentials", json={"token": "t1"})
    made = alice.post(HOOKS, json={"scheme": "gitea", "at_forge": True}).json
    assert made["set_up"] and made["problem"] is None
    sent = forge.made["41"]
    assert sent["path"] == "/api/v1/repos/me/sample/hooks"
    assert (sent["config"]["url"], sent["config"]["secret"]) == (
        made["hook"]["url"], made["hook"]["secret"],
    )  # fmt: skip
    number = made["hook"]["id"]
    rotated = alice.post(f"{HOOKS}/{number}/rotate").json["hook"]
    assert rotated["two_secrets"] and rotated["secret"] != made["hook"]["secret"]
    assert page("alice").post(f"{PAGE}/{number}/set-up").status_code == 302
    assert [each["config"]["secret"] for each in forge.made.values()] == [rotated["secret"]]
    assert alice.delete(f"{HOOKS}/{number}").json == {"told": ""}
    assert forge.made == {} and session.query(Hook).count() == 0


def test_without_a_token_it_is_there_all_the_same_and_says_what_lacks(api: Any) -> None:
    alice = api("alice")
    made = alice.post(HOOKS, json={"scheme": "gitlab", "at_forge": True})
    assert made.status_code == 201 and made.json["problem"]["path"] == "token"
    assert [each["scheme"] for each in alice.get(HOOKS).json["hooks"]] == ["gitlab"]
    refused = alice.post(f"{HOOKS}/{made.json['hook']['id']}/set-up")
    assert refused.status_code == 422 and "set the hook up by hand" in refused.text


def test_what_is_no_kind_of_forge_is_named(api: Any, page: Any) -> None:
    assert api("alice").post(HOOKS, json={"scheme": "svn"}).json["error"]["path"] == "kind"
    refused = page("alice").post(PAGE, data={"scheme": "svn"})
    assert refused.status_code == 422 and "kind: " in refused.text


@pytest.mark.usefixtures("told")
def test_hooks_and_deliveries_of_another_project_are_not_there(api: Any) -> None:
    charlie = api("charlie")
    mine = {"name": "mine", "repository": "https://git.example.com/mine.git"}
    assert charlie.post("/api/projects", json=mine).status_code == 201
    assert charlie.get("/api/projects/mine/hooks").json == {"hooks": []}
    assert charlie.post("/api/projects/mine/hooks/1/rotate").status_code == 404
    assert charlie.delete("/api/projects/mine/hooks/1").status_code == 404
    assert charlie.get("/api/projects/mine/deliveries/1").status_code == 404
    assert charlie.post("/api/projects/mine/deliveries/1/redeliver").status_code == 404


@pytest.mark.usefixtures("told")
def test_a_delivery_is_shown_and_worked_through_again(
    page: Any, api: Any, rung: list[int], session: Session
) -> None:
    bob = page("bob")
    for path in ("/projects/sample/deliveries", "/projects/sample/deliveries/1"):
        text = bob.get(path).text
        assert "deploys production" in text and "<script>alert" not in text
    assert "&#34;ref&#34;: &#34;refs/heads/main&#34;" in text
    assert bob.post("/projects/sample/deliveries/1/again").location.endswith("/deliveries/2")
    run = session.query(Run).order_by(Run.id.desc()).first()
    assert (run.kind, run.ref, run.delivery_id, rung) == ("deploy", data.COMMIT, 2, [run.id])
    newest = api("bob").get("/api/projects/sample/deliveries?limit=1").json["deliveries"]
    assert [(each["id"], each["redelivery_of"], each["runs"]) for each in newest] == [
        (2, 1, [run.id])
    ]


@pytest.mark.usefixtures("told")
def test_a_payload_is_bounded_and_one_that_is_gone_says_so(
    page: Any, api: Any, session: Session
) -> None:
    delivery = session.get_one(Delivery, 1)
    path = "/api/projects/sample/deliveries/1"
    for body in (b'"' + b"x" * 900_000 + b'"', b"[" * 90_000, b"\xff" * 90_000):
        delivery.body = body
        session.commit()
        shown = api("bob").get(path).json["delivery"]["payload"]
        assert shown.endswith("\n… cut here") and len(shown) == MOST_SHOWN + 11
    delivery.body = None
    session.commit()
    assert api("bob").get(path).json["delivery"]["payload"] is None
    text = page("bob").get("/projects/sample/deliveries/1").text
    assert "is gone" in text and "Redeliver" not in text
    refused = api("bob").post(f"{path}/redeliver")
    assert refused.status_code == 422 and refused.json["error"]["path"] == "delivery"
