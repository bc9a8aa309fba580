"""The cast: Alice (owner), Bob (developer), Vera (viewer), Charlie (stranger)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import sample_data as data
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from jobs.settings import Settings
from portal import create_app
from portal.bearer import new_token
from portal.database import db
from portal.projects import channel, logs

Cast = Callable[[str], FlaskClient]


@pytest.fixture
def settings(tmp_path: Path, new_database: Callable[[Path], None]) -> Settings:
    settings = Settings(home=tmp_path / "home")
    data.make_home(settings)
    new_database(settings.home)
    return settings


@pytest.fixture
def rung() -> list[int]:
    """The ids for which the doorbell was rung."""
    return []


@pytest.fixture
def bare(settings: Settings, rung: list[int]) -> Flask:
    """An app whose database is empty."""
    return create_app(settings, doorbell=rung.append, TESTING=True, WTF_CSRF_ENABLED=False)


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is asked here: a host without one has the same answers."""
    monkeypatch.setattr(logs, "connect_to", lambda *_: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(logs, "chosen", lambda *_: [])
    monkeypatch.setattr(channel, "LONGEST", 0.3)
    monkeypatch.setattr(channel, "HEARTBEAT", 0.1)
    monkeypatch.setattr(channel, "TAKE", 0.05)


@pytest.fixture
def app(bare: Flask, settings: Settings) -> Flask:
    """An app with the cast and the project `sample`."""
    with bare.app_context():
        data.make_people(db.session)
        data.make_project(db.session, settings)
    return bare


@pytest.fixture
def session(bare: Flask) -> Iterator[Session]:
    with bare.app_context():
        yield db.session


@pytest.fixture
def page(app: Flask) -> Cast:
    """A browser in which somebody is signed in."""

    def signed_in(name: str) -> FlaskClient:
        client = app.test_client()
        form = {"email": data.email(name), "password": data.PASSWORD}
        assert client.post("/sign-in", data=form).status_code == 302
        return client

    return signed_in


@pytest.fixture
def api(app: Flask) -> Cast:
    """A program that sends somebody's token."""

    def with_token(name: str) -> FlaskClient:
        with app.app_context():
            user = db.session.query(data.User).filter_by(email=data.email(name)).one()
            token = new_token(user, "test")
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return with_token
