"""An issuance that fails: the page says why and what to do, the issuer is spared, and it comes right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from ground import Ground
from processes import until
from sqlalchemy.orm import Session
from test_1_challenges import worker

from jobs.certificates import failures
from jobs.models import Member, Release, Run, User
from jobs.requests import create_project
from jobs.settings import Settings
from jobs.tls import Tls, asked_again, hosts_of
from portal import create_app
from portal.accounts.passwords import hash_password
from portal.database import db
from stacks.spec import Spec

HOST = "wrong.example.com"
NOBODY = "127.0.0.9"
PASSWORD = "correct horse battery"


@pytest.fixture
def settings(acme: Ground) -> Settings:
    made = acme.settings("failing")
    (made.home / "keys/vault-key").write_bytes(Fernet.generate_key())
    return made


@pytest.fixture
def portal(settings: Settings, service: Spec) -> Iterator[FlaskClient]:
    """Signed in as the owner of a project whose release is the service."""
    app = create_app(settings, doorbell=lambda run: None, TESTING=True, WTF_CSRF_ENABLED=False)
    with app.app_context():
        make_project(db.session, service)
        client = app.test_client()
        form = {"email": "alice@example.com", "password": PASSWORD}
        assert client.post("/sign-in", data=form).status_code == 302
        yield client


def make_project(session: Session, service: Spec) -> None:
    user = User(email="alice@example.com", password_hash=hash_password(PASSWORD))
    session.add(user)
    project = create_project(session, "shop", "https://example.com/shop.git", "main", by=user.email)
    session.add(Member(project_id=project.id, user_id=user.id, role="owner"))
    environment = project.environments[0]
    run = Run(environment=environment, kind="deploy", state="succeeded", requested_by=user.email)
    session.add(run)
    session.flush()
    session.add(
        Release(
            environment_id=environment.id,
            number=1,
            run_id=run.id,
            spec=service.to_json(),
            commit="a" * 40,
        )
    )
    environment.release = 1
    session.commit()


def test_a_wrong_record_is_told_with_its_remedy_and_costs_the_issuer_nothing(
    acme: Ground, settings: Settings, portal: FlaskClient
) -> None:
    issued = acme.production.issued()
    acme.dns.tell("add-a", host=HOST, addresses=[NOBODY])
    with acme.traefik(settings), worker(settings) as tls:
        assert HOST in hosts_of(db.session)
        until(lambda: look(tls) == "failing", 60, 0.2)
        assert acme.get(HOST).status_code == 200
        page = portal.get("/projects/shop/domains").text
        for words in (
            "no certificate: visitors get plain HTTP",
            f"dial tcp {NOBODY}:{acme.web}: connect: connection refused",
            "its record points here, and no firewall closes port 80",
            "Try again now",
        ):
            assert words in page
        found = portal.get("/api/projects/shop/domains").json["domains"]
        (told,) = [each["failure"]["problem"] for each in found if each["host"] == HOST]
        assert told == "connection"
        assert look(tls) == "failing" and acme.production.issued() == issued
        assert failures(settings.home / "log/traefik.json.log") == []

        with stranger(acme.web):
            again(portal)
            until(lambda: problem(tls) == "unauthorized", 60, 0.2)
        page = portal.get("/projects/shop/domains").text
        assert "another server answered in this host&#39;s place" in page

        acme.dns.tell("clear-a", host=HOST)
        again(portal)
        until(lambda: look(tls) == "issued", 60, 0.2)
        assert acme.production.issued() == issued + 1
        assert f"https://{HOST}:{acme.secure}" in portal.get("/projects/shop/domains").text


def again(portal: FlaskClient) -> None:
    """As the button does."""
    assert portal.post("/projects/shop/domains/again", data={"host": HOST}).status_code == 302


@contextmanager
def stranger(port: int) -> Iterator[None]:
    """Another machine's web server, which knows nothing of challenges."""
    server = ThreadingHTTPServer((NOBODY, port), SimpleHTTPRequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def problem(tls: Tls) -> str:
    db.session.rollback()
    failure = tls.look([HOST], asked_again(db.session))[HOST].failure
    return failure.problem if failure else ""


def look(tls: Tls) -> str:
    db.session.rollback()
    return tls.look([HOST], asked_again(db.session))[HOST].stage


def test_an_acme_server_that_is_not_there_is_told(acme: Ground) -> None:
    nowhere = acme.settings("nowhere", acme_server="https://localhost:1/dir", acme_staging="none")
    with acme.traefik(nowhere), worker(nowhere) as tls:
        until(lambda: tls.look([HOST])[HOST].stage == "failing", 60, 0.2)
        failure = tls.look([HOST])[HOST].failure
        assert failure and failure.problem == "unreachable"
