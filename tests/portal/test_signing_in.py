"""Signing in, the throttle, redirects, forms from elsewhere, tokens, headers."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
import sample_data as data
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from jobs.models import ApiToken, Event, now
from jobs.settings import Settings
from portal import create_app
from portal.database import db

ALICE = {"email": "alice@example.org", "password": data.PASSWORD}


def sign_in(client: FlaskClient, **more: str) -> Any:
    return client.post("/sign-in", data={**ALICE, **more})


def test_the_first_visitor_is_nobody(bare: Flask) -> None:
    client = bare.test_client()
    assert client.get("/").location == "/sign-in"
    assert "no owner yet" in client.get("/sign-in").text


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/projects/sample?a=b", "/projects/sample?a=b"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_only_to_this_site(app: Flask, target: str, expected: str) -> None:
    assert sign_in(app.test_client(), next=target).location == expected


def test_a_page_is_come_back_to(app: Flask) -> None:
    there = app.test_client().get("/projects/sample?x=1").location
    assert there == "/sign-in?next=/projects/sample?x%3D1"


def test_ten_failures_then_a_pause_even_for_the_right_password(app: Flask) -> None:
    client = app.test_client()
    statuses = [sign_in(client, password=f"wrong {n}").status_code for n in range(11)]
    assert statuses == [401] * 10 + [429]
    assert sign_in(client).status_code == 429
    login = client.post("/api/login", json=ALICE)
    assert login.status_code == 429 and "Wait 15 minutes" in login.json["error"]["remedy"]
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert client.post("/sign-in", data=ALICE, environ_base=elsewhere).status_code == 429
    with app.app_context():
        db.session.query(Event).update({"at": now() - timedelta(minutes=16)})
        db.session.commit()
    assert sign_in(client).status_code == 302


def test_an_address_is_throttled_over_many_emails(app: Flask) -> None:
    client = app.test_client()
    for n in range(10):
        sign_in(client, email=f"guess{n}@example.org")
    assert sign_in(client).status_code == 429
    other = client.post("/sign-in", data=ALICE, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert other.status_code == 302


def test_success_does_not_count_as_failure(app: Flask) -> None:
    assert {sign_in(app.test_client()).status_code for _ in range(12)} == {302}


def test_a_session_of_another_browser_is_worth_nothing(app: Flask, page: Any) -> None:
    thief = app.test_client()
    cookie = page("alice").get_cookie("portwright-pw")
    assert cookie.http_only and cookie.same_site == "Lax"
    thief.set_cookie("portwright-pw", cookie.value)
    assert thief.get("/account", headers={"User-Agent": "other"}).location.startswith("/sign-in")


def test_every_form_needs_its_csrf_token(settings: Settings, app: Flask) -> None:
    strict = create_app(settings, doorbell=lambda run: None, TESTING=True)
    client = strict.test_client()
    assert sign_in(client).status_code == 400
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert found and sign_in(client, csrf_token=found[1]).status_code == 302
    for rule in strict.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/hooks/")):
            path = re.sub(r"<int:\w+>", "1", rule.rule).replace("<name>", "sample")
            answer = client.post(path, data={"confirm": "sample"})
            assert answer.status_code == 400, path
            assert "too old or came from elsewhere" in answer.text


def test_a_token_is_shown_once_and_kept_as_a_hash(app: Flask, page: Any) -> None:
    alice = page("alice")
    made = alice.post("/account/tokens", data={"label": "<b>laptop</b>"}).text
    token = re.search(r"pw_[\w-]{43}", made)
    assert token
    later = alice.get("/account").text
    assert token[0] not in later and "&lt;b&gt;laptop" in later
    with app.app_context():
        digests = [each.digest for each in db.session.query(ApiToken)]
    assert digests == [hashlib.sha256(token[0].encode()).hexdigest()]
    header = {"Authorization": f"Bearer {token[0]}"}
    assert app.test_client().get("/api/projects", headers=header).status_code == 200
    alice.post("/account/tokens/1/revoke")
    assert app.test_client().get("/api/projects", headers=header).status_code == 401


def test_login_by_api_and_logout_revokes(app: Flask) -> None:
    client = app.test_client()
    answer = client.post("/api/login", json={**ALICE, "label": "ci"})
    header = {"Authorization": f"Bearer {answer.json['token']}"}
    assert client.post("/api/logout", headers=header).status_code == 204
    assert client.get("/api/projects", headers=header).status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_an_invitation_works_once(app: Flask, page: Any) -> None:
    form = {"email": "Dora@example.org", "role": "viewer"}
    shown = page("alice").post("/projects/sample/members", data=form).text
    link = re.search(r"http://localhost(/invitation\?token=[\w.-]+)", shown)
    assert link
    before = {"email": "dora@example.org", "password": ""}
    assert app.test_client().post("/sign-in", data=before).status_code == 401
    dora = app.test_client()
    assert dora.post(link[1], data={"password": "short"}).status_code == 422
    assert dora.post(link[1], data={"password": "dora's long password"}).status_code == 302
    assert dora.get("/projects/sample").status_code == 200
    assert app.test_client().get(link[1]).status_code == 410


def test_the_last_owner_stays(page: Any) -> None:
    alice = page("alice")
    form = {"email": "alice@example.org", "role": "viewer"}
    for path, body in (("members", form), ("members/1/remove", {})):
        told = alice.post(f"/projects/sample/{path}", data=body, follow_redirects=True)
        assert "only owner" in told.text
        assert alice.get("/projects/sample").status_code == 200


def test_headers_of_every_answer(app: Flask) -> None:
    for path in ("/sign-in", "/nothing", "/api/projects", "/healthz", "/static/run.js"):
        headers = app.test_client().get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_health_and_a_database_that_does_not_answer(app: Flask, page: Any, api: Any) -> None:
    client, alice, token = app.test_client(), page("alice"), api("alice")
    assert client.get("/healthz").json == {"status": "ok", "database": "ok"}
    with app.app_context():
        for table in ("runs", "projects", "users"):
            db.session.execute(text(f"ALTER TABLE {table} RENAME TO {table}_lost"))
        db.session.commit()
    shown = alice.get("/")
    assert shown.status_code == 503 and "The database does not answer" in shown.text
    run = token.post("/api/projects/sample/runs", json={"kind": "plan"})
    assert run.status_code == 503 and run.json["error"]["remedy"]


def test_health_tells_when_the_database_is_away(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError("no route to the database")

    monkeypatch.setattr(db.session, "execute", away)
    assert app.test_client().get("/healthz").status_code == 503
