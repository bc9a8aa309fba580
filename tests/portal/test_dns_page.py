"""The host's DNS: which records it needs, and making them at a stand-in of Cloudflare's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sample_data as data
from cloudflare_standin import StandIn, Token
from flask import Flask

from jobs.dns import TOKEN
from jobs.models import Event, Release, now
from jobs.previews import records as previews
from jobs.settings import Settings
from portal.database import db
from zones.keeping import Kept

SECRET = "tok-3nLx_pVt9QwZr7YbKc2MhGd5"
FORM = {"addresses": "203.0.113.7 2001:db8::7", "wildcard": "1"}


@pytest.fixture
def settings(tmp_path: Path, standin: StandIn) -> Settings:
    settings = Settings(home=tmp_path / "home", domain="apps.example.com", dns_api=standin.url)
    data.make_home(settings)
    return settings


@pytest.fixture
def owner(app: Flask, page: Any) -> Any:
    """Alice, who owns the host, in a browser."""
    with app.app_context():
        user = db.session.query(data.User).filter_by(email="alice@example.org").one()
        user.host_owner = True
        release = db.session.query(Release).filter_by(number=3).one()
        web = release.spec["services"]["web"]
        routes = [*web["routes"], {"host": "shop.apps.example.com"}, {"host": "shop.example.net"}]
        services = {**release.spec["services"], "web": {**web, "routes": routes}}
        release.spec = {**release.spec, "services": services}
        db.session.commit()
    return page("alice")


@pytest.fixture
def standin() -> Iterator[StandIn]:
    server = StandIn()
    server.add_zone("example.com")
    server.tokens[SECRET] = Token()
    yield server
    server.close()


def keep_token(settings: Settings, text: str = SECRET) -> None:
    (settings.home / "keys" / TOKEN).write_text(text + "\n")


def test_the_records_are_shown_to_type_by_hand(owner: Any) -> None:
    text = owner.post("/dns", data={**FORM, "do": "plan"}).text
    for words in ("*.apps.example.com", "AAAA", "203.0.113.7", "2001:db8::7", "cloudflare-token"):
        assert words in text
    assert "token: no token of Cloudflare is kept" in text and "Make them" not in text
    each = owner.post("/dns", data={**FORM, "wildcard": "0", "do": "plan"}).text
    assert "shop.apps.example.com" in each and "shop.example.net" not in each


@pytest.mark.parametrize(
    ("given", "path"),
    [({"addresses": "here"}, "addresses"), ({"addresses": "0.0.0.0"}, "addresses")],
)
def test_a_bad_address_is_named(owner: Any, given: dict[str, str], path: str) -> None:
    answer = owner.post("/dns", data={**FORM, **given, "do": "look"})
    assert answer.status_code == 422 and f"{path}: " in answer.text


def test_nothing_is_made_before_it_was_shown_and_nothing_twice(
    owner: Any, settings: Settings, standin: StandIn, app: Flask
) -> None:
    keep_token(settings)
    shown = owner.post("/dns", data={**FORM, "do": "plan"}).text
    assert shown.count("<strong>make</strong>") == 4 and standin.records == {}
    made = owner.post("/dns", data={**FORM, "do": "make"}).text
    assert "Done: make A" in made and SECRET not in made
    assert sorted((each["name"], each["type"]) for each in standin.records.values()) == [
        ("*.apps.example.com", "A"),
        ("*.apps.example.com", "AAAA"),
        ("apps.example.com", "A"),
        ("apps.example.com", "AAAA"),
    ]
    assert "there already" in owner.post("/dns", data={**FORM, "do": "make"}).text
    with app.app_context():
        event = db.session.query(Event).filter_by(action="dns.made").first()
        assert event.actor == "alice@example.org" and len(event.detail["records"]) == 4


def test_a_token_that_is_none_is_not_shown(owner: Any, settings: Settings) -> None:
    keep_token(settings, "not a token!")
    answer = owner.post("/dns", data={**FORM, "do": "plan"})
    assert answer.status_code == 422 and "not a token!" not in answer.text


def test_a_host_without_a_domain_is_told_how_to_have_one(owner: Any, app: Flask) -> None:
    app.extensions["settings"] = Settings(home=app.extensions["settings"].home)
    text = owner.get("/dns").text
    assert "PORTWRIGHT_DOMAIN" in text


def test_what_became_of_previews_names_is_shown_and_nobody_is_asked(
    owner: Any, settings: Settings, standin: StandIn
) -> None:
    name, problem = "pr-7-sample.apps.example.com", {"message": "it is away", "remedy": "wait"}
    found = {name: Kept(False, "<b>is in the way</b>")}
    previews.keep_state(settings, previews.State(found, (name,), problem, now()))
    text = owner.get("/dns").text
    assert name in text and "&lt;b&gt;is in the way" in text and "it is away; wait" in text
    assert standin.calls == []
