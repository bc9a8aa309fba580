"""The page of domains: each state in words, and who may ask for another attempt."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sample_data as data
from flask import Flask

from jobs.front import front_of
from jobs.models import Event, Host, Project, Release, now
from jobs.settings import Settings
from jobs.tls import AGAIN, asked_again, hosts_of
from portal.database import db
from portal.domains.listing import BADGES, STAGES, domains_of

HOST = "shop.example.com"
UNTIL = now() + timedelta(days=60)
KNOWN: dict[str, Any] = {
    "name": HOST, "stage": "asked", "issuer": None, "until": None, "failure": None,
    "retry_at": None, "reach": None,
}  # fmt: skip
FAILURE = {
    "name": HOST, "at": "2026-01-02T03:04:05+00:00", "problem": "dns", "cause": "no such name",
    "remedy": "add a record",
}  # fmt: skip


GOOD = {**KNOWN, "stage": "issued", "until": UNTIL.isoformat()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", http_port=80, https_port=443)
    data.make_home(settings)
    return settings


@pytest.fixture
def app(app: Flask) -> Flask:
    """The sample's release that serves has a host in the world."""
    with app.app_context():
        release = db.session.query(Release).filter_by(number=3).one()
        web = {**release.spec["services"]["web"], "tls": True}
        web["routes"] = [*web["routes"], {"host": HOST}, {"host": HOST, "path": "/api"}]
        release.spec = {**release.spec, "services": {**release.spec["services"], "web": web}}
        db.session.commit()
    return app


def tell(settings: Settings, **known: Any) -> None:
    """As the worker writes it."""
    (settings.home / "traefik").mkdir(exist_ok=True)
    (settings.home / "traefik/domains.json").write_text(json.dumps({HOST: {**KNOWN, **known}}))


def shown(app: Flask, settings: Settings, there: Host | None = None) -> tuple[str, str, str]:
    """(stage, URL, words) of the host in the world. there: another machine, if it is placed on one."""
    with app.app_context():
        release = db.session.query(Release).filter_by(number=3).one()
        local, outside = domains_of(release, front_of(there, settings), now())
    assert (local.stage, local.host) == ("local", "web.sample.localhost")
    assert outside.stage in STAGES
    return outside.stage, outside.url, outside.words


def machine(**https: Any) -> Host:
    """Another machine, whose Traefik listens on 443 too unless something else is said."""
    told = {"port": 443, "domains": {}, "silent": False, **https}
    return Host(name="eu-1", address="ssh://root@203.0.113.7", http_port=80, facts={"https": told})


def test_before_the_worker_looked_it_is_waited_for(app: Flask, settings: Settings) -> None:
    assert shown(app, settings)[:2] == ("pending", f"http://{HOST}")


def test_without_https_the_page_says_how_to_turn_it_on(app: Flask, settings: Settings) -> None:
    stage, url, words = shown(app, replace(settings, https_port=0, http_port=8080))
    assert (stage, url) == ("off", f"http://{HOST}:8080") and "PORTWRIGHT_HTTPS_PORT" in words


@pytest.mark.parametrize(
    ("known", "stage", "scheme"),
    [
        ({}, "asked", "http"),
        ({"stage": "trying"}, "trying", "http"),
        ({"stage": "failing", "failure": FAILURE}, "failing", "http"),
        ({"stage": "issued", "until": UNTIL.isoformat()}, "issued", "https"),
        ({"stage": "issued", "until": UNTIL.isoformat(), "failure": FAILURE}, "renewal", "https"),
        ({"stage": "issued", "until": "2020-01-01T00:00:00+00:00"}, "expired", "http"),
    ],
)
def test_a_host_is_linked_by_https_only_where_it_has_a_good_certificate(
    app: Flask, settings: Settings, known: dict[str, Any], stage: str, scheme: str
) -> None:
    tell(settings, **known)
    assert shown(app, settings)[:2] == (stage, f"{scheme}://{HOST}")


@pytest.mark.parametrize(
    ("https", "stage", "scheme", "words"),
    [
        ({"port": 0}, "off", "http", "plain HTTP on host eu-1: its owner can turn HTTPS on with HTTPS_PORT"),
        ({}, "pending", "http", "host eu-1 takes it up in a few seconds"),
        ({"silent": True}, "pending", "http", "systemctl status portwright-certificates"),
        ({"domains": {HOST: KNOWN}}, "asked", "http", "the issuer is asked"),
        ({"domains": {HOST: GOOD}}, "issued", "https", f"a certificate for {HOST}"),
        ({"domains": {HOST: GOOD}, "silent": True}, "issued", "https", "as host eu-1 said last"),
        ({"domains": {HOST: {**GOOD, "failure": FAILURE}}}, "renewal", "https", "was not renewed"),
    ],
)  # fmt: skip
def test_on_another_machine_it_is_what_that_one_says(
    app: Flask, settings: Settings, https: dict[str, Any], stage: str, scheme: str, words: str
) -> None:
    tell(settings, stage="failing", failure=FAILURE)  # what this machine knows is of no account
    found = shown(app, settings, machine(**https))
    assert (found[:2], words in found[2]) == ((stage, f"{scheme}://{HOST}"), True), found


def test_before_it_ever_said_anything_another_machine_counts_as_without_https(
    app: Flask, settings: Settings
) -> None:
    new = Host(name="eu-1", address="ssh://root@203.0.113.7", http_port=8080, facts={})
    assert shown(app, settings, new)[:2] == ("off", f"http://{HOST}:8080")


def test_what_failed_on_another_machine_is_shown_as_text_and_can_be_tried_again(
    page: Any, app: Flask, settings: Settings
) -> None:
    failure = {**FAILURE, "cause": data.HOSTILE, "remedy": data.HOSTILE}
    there = machine(domains={HOST: {**KNOWN, "stage": "failing", "failure": failure}})
    with app.app_context():
        db.session.add(there)
        db.session.query(Project).filter_by(name="sample").one().host = there
        db.session.commit()
    bob = page("bob")
    text = bob.get("/projects/sample/domains").text
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text and "Try again now" in text
    again = bob.post("/projects/sample/domains/again", data={"host": HOST}, follow_redirects=True)
    assert f"{HOST} is tried again in half a minute" in again.text


def test_a_service_from_before_https_says_when_it_comes(app: Flask, settings: Settings) -> None:
    with app.app_context():
        release = db.session.query(Release).filter_by(number=3).one()
        web = {**release.spec["services"]["web"], "tls": False}
        release.spec = {**release.spec, "services": {"web": web}}
        db.session.commit()
        assert hosts_of(db.session) == set()
    tell(settings)
    assert shown(app, settings)[0] == "old"


def test_a_failure_shows_cause_remedy_and_when_it_is_tried_again(
    page: Any, api: Any, settings: Settings
) -> None:
    reach = {"here": False, "words": "the name has no address: add an A record", "addresses": []}
    retry = {"failure": FAILURE, "retry_at": "2026-01-02T03:19:05+00:00", "reach": reach}
    tell(settings, stage="failing", **retry)
    text = page("vera").get("/projects/sample/domains").text
    for words in (
        "no such name",
        "add a record",
        "03:19 UTC",
        "the name has no address",
        "failing",
    ):
        assert words in text
    assert "Try again now" not in text
    found = api("vera").get("/api/projects/sample/domains").json["domains"][1]
    assert (found["stage"], found["failure"], found["retry_at"]) == (
        "failing", FAILURE, "2026-01-02T03:19:05+00:00",
    )  # fmt: skip


def test_a_developer_may_ask_for_another_attempt_where_one_failed(
    page: Any, app: Flask, settings: Settings
) -> None:
    tell(settings, stage="failing", failure=FAILURE)
    bob = page("bob")
    assert "Try again now" in bob.get("/projects/sample/domains").text
    form = {"host": HOST}
    assert bob.post("/projects/sample/domains/again", data=form).status_code == 302
    with app.app_context():
        event = db.session.query(Event).filter_by(action=AGAIN).one()
        assert (event.actor, event.project, event.detail) == ("bob@example.org", "sample", form)
        assert asked_again(db.session) == {HOST: event.at}
    tell(settings, stage="issued", until=UNTIL.isoformat())
    assert bob.post("/projects/sample/domains/again", data=form).status_code == 409
    other = {"host": "stranger.example.com"}
    assert bob.post("/projects/sample/domains/again", data=other).status_code == 409


def test_what_an_acme_server_said_is_only_text(page: Any, settings: Settings) -> None:
    tell(
        settings,
        stage="failing",
        failure={**FAILURE, "cause": data.HOSTILE, "remedy": data.HOSTILE},
    )
    text = page("alice").get("/projects/sample/domains").text
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text


def test_every_badge_is_of_a_stage() -> None:
    assert set(BADGES) < set(STAGES)
