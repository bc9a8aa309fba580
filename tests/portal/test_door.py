"""The door of previews for members: tickets, passes, and what they are no good for."""

from __future__ import annotations

import base64
import html
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import sample_data as data
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.models import Member, Preview, Release, Run
from jobs.settings import Settings
from portal.database import db
from portal.visiting.once import first_use

SEVEN, EIGHT = "pr-7-sample.localhost", "pr-8-sample.localhost"
ENTRANCE = "/_portwright/enter"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(autouse=True)
def previews(app: Flask, settings: Settings) -> None:
    """Two that serve."""
    with app.app_context():
        data.make_told(db.session, settings)
        for number, host in ((7, SEVEN), (8, EIGHT)):
            preview = db.session.query(Preview).filter_by(number=number).one()
            preview.state, environment = "open", preview.environment
            run = Run(environment=environment, kind="deploy", requested_by="hook")
            db.session.add(run)
            db.session.flush()
            spec = {"services": {"web": {"routes": [{"host": host}]}}}
            environment.release = 1
            db.session.add(
                Release(
                    environment_id=environment.id,
                    number=1,
                    run_id=run.id,
                    spec=spec,
                    commit=data.COMMIT,
                )
            )
        db.session.commit()


@pytest.fixture
def door(app: Flask) -> Any:
    """As Traefik asks: a host, an address, and maybe a pass."""

    def ask(host: str, uri: str = "/", cookie: str = "") -> Any:
        client: FlaskClient = app.test_client(use_cookies=False)
        headers = {"X-Forwarded-Host": f"{host}:8080", "X-Forwarded-Uri": uri}
        if cookie:
            headers["Cookie"] = f"portwright-preview={cookie}"
        return client.get("/previews/door", headers=headers)

    return ask


def ticket(page: Any, who: str = "vera", host: str = SEVEN) -> str:
    """The address on the preview's host, path and query."""
    answer = page(who).get("/previews/ticket", query_string={"for": f"http://{host}:8080"})
    assert answer.status_code == 200, answer.text
    to = urlsplit(address_in(answer))
    assert (to.netloc, to.path) == (f"{host}:8080", ENTRANCE)
    return f"{to.path}?{to.query.removesuffix('&to=%2F')}"


def pass_in(answer: Any) -> str:
    cookie = str(answer.headers["Set-Cookie"])
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie
    return cookie.partition("=")[2].partition(";")[0]


def test_a_member_is_sent_for_a_ticket_enters_and_is_let_through(page: Any, door: Any) -> None:
    sent = door(SEVEN)
    assert sent.location == (
        "http://localhost:8700/previews/ticket?for=http%3A%2F%2Fpr-7-sample.localhost%3A8080%2F"
    )
    entered = door(SEVEN, ticket(page))
    assert (entered.status_code, entered.location) == (302, f"http://{SEVEN}:8080/")
    assert door(SEVEN, "/any", pass_in(entered)).status_code == 204


@pytest.mark.parametrize(
    ("uri", "lands"),
    [("/orders/7?a=b&c=%2F%26", "/orders/7?a=b&c=%2F%26"), ("//evil.example.com/x", "/"), ("//[", "/"),
     ("/\\evil.example.com", "/"), ("/" + "x" * 3000, "/"), ("", "/")],
)  # fmt: skip
def test_a_visitor_comes_back_to_the_page_they_asked_for(
    page: Any, door: Any, uri: str, lands: str
) -> None:
    asked = parse_qs(urlsplit(door(SEVEN, uri).location).query)["for"][0]
    answer = page("vera").get("/previews/ticket", query_string={"for": asked})
    to = urlsplit(address_in(answer))
    entered = door(SEVEN, f"{to.path}?{to.query}")
    assert entered.location == f"http://{SEVEN}:8080{lands}"


def test_a_ticket_leads_to_no_other_host(page: Any, door: Any) -> None:
    for bad in ("//evil.example.com", "https://evil.example.com", "/%0d%0aSet-Cookie:x", "\\x"):
        given = ticket(page).partition("&to=")[0]
        entered = door(SEVEN, f"{given}&to={quote(bad, safe='%')}")
        assert entered.status_code == 302
        assert urlsplit(entered.location).netloc == f"{SEVEN}:8080"


def address_in(answer: Any) -> str:
    return html.unescape(answer.text.split("0; url=")[1].split('"')[0])


def test_a_ticket_opens_once_however_it_is_written(page: Any, door: Any) -> None:
    """The last letter of its signature has bits that nobody reads."""
    given = ticket(page)
    last = ALPHABET.index(given[-1])
    twin = given[:-1] + ALPHABET[last ^ 1]
    raw = [base64.urlsafe_b64decode(each.rpartition(".")[2] + "=") for each in (given, twin)]
    assert given != twin and raw[0] == raw[1]
    assert door(SEVEN, given).status_code == 302
    for again in (given, twin):
        refused = door(SEVEN, again)
        assert (refused.status_code, refused.headers.get("Set-Cookie")) == (403, None)


def test_neither_ticket_nor_pass_is_good_elsewhere(page: Any, door: Any) -> None:
    given = ticket(page)
    assert door(EIGHT, given).status_code == 403
    kept = pass_in(door(SEVEN, given))  # what was refused there was not used up
    assert door(EIGHT, "/", kept).status_code == 302
    assert door(SEVEN, "/", given.partition("=")[2]).status_code == 302  # a ticket is no pass
    assert door(SEVEN, f"{ENTRANCE}?ticket={kept}").status_code == 403  # nor a pass a ticket


def test_a_stranger_gets_no_ticket_and_a_former_member_is_let_in_no_more(
    page: Any, door: Any, app: Flask
) -> None:
    asked = {"for": f"http://{SEVEN}:8080"}
    assert page("charlie").get("/previews/ticket", query_string=asked).status_code == 404
    unused, kept = ticket(page), pass_in(door(SEVEN, ticket(page)))
    with app.app_context():
        user = db.session.query(data.User).filter_by(email=data.email("vera")).one()
        db.session.query(Member).filter_by(user_id=user.id).delete()
        db.session.commit()
    assert door(SEVEN, unused).status_code == 403
    assert door(SEVEN, "/", kept).status_code == 302


@pytest.mark.parametrize(
    "where",
    ["http://evil.example.com", "//pr-7-sample.localhost", "javascript://pr-7-sample.localhost/",
     "http://pr-7-sample.localhost.evil.example", "http://pr-99-sample.localhost", "",
     "http://[", f"http://{SEVEN}:99999", f"http://{SEVEN}:x"],
)  # fmt: skip
def test_tickets_are_for_previews_of_this_host_only(page: Any, where: str) -> None:
    answer = page("vera").get("/previews/ticket", query_string={"for": where})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example.com", "", f"{SEVEN}:80@evil.example.com", f"{SEVEN}:x"]
)
def test_the_door_leads_nowhere_but_to_previews(app: Flask, host: str) -> None:
    headers = {"X-Forwarded-Host": host, "X-Forwarded-Uri": "/"}
    assert app.test_client().get("/previews/door", headers=headers).status_code == 404


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_no_ticket_opens_nothing(app: Flask, text: str) -> None:
    headers = {"X-Forwarded-Host": SEVEN, "X-Forwarded-Uri": f"{ENTRANCE}?ticket={quote(text)}"}
    assert app.test_client().get("/previews/door", headers=headers).status_code == 403


def test_of_many_at_one_moment_one_is_first_and_the_old_are_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "used"
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: first_use(folder, "../../one", 60), range(64)))
    assert sorted(found) == [False] * 63 + [True]
    (kept,) = folder.iterdir()
    os.utime(kept, (time.time() - 61,) * 2)
    assert first_use(folder, "two", 60) and len(list(folder.iterdir())) == 1
