"""Webhooks: only what is signed counts, and it counts once."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from jobs.models import Delivery, Run

PUSH = {"ref": "refs/heads/main", "after": "a" * 40}


@pytest.fixture
def hook(api: Any, app: Flask) -> tuple[str, str]:
    """Path and secret."""
    made = api("alice").post("/api/projects/sample/hooks", json={"scheme": "generic"}).json["hook"]
    return "/hooks/" + made["url"].rpartition("/")[2], made["secret"]


def send(
    client: FlaskClient, hook: tuple[str, str], told: Any, key: str = "d1", **headers: str
) -> Any:
    path, secret = hook
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = {
        "X-Portwright-Delivery": key,
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
        **headers,
    }
    return client.post(path, data=body, headers=given)


def test_a_push_becomes_a_deploy_of_that_commit(
    app: Flask, hook: tuple[str, str], rung: list[int], session: Session
) -> None:
    rung.clear()
    answer = send(app.test_client(), hook, PUSH)
    assert answer.status_code == 202
    run = session.get_one(Run, answer.json["run"])
    assert (run.kind, run.ref, run.requested_by, run.state) == (
        "deploy", "a" * 40, "webhook", "queued",
    )  # fmt: skip
    assert rung == [run.id]


def test_the_same_delivery_makes_one_run(
    app: Flask, hook: tuple[str, str], session: Session
) -> None:
    answers = [send(app.test_client(), hook, PUSH) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 200, 200]
    assert len({each.json["run"] for each in answers}) == 1
    assert session.query(Delivery).count() == 1


def test_a_replay_under_another_id_makes_no_run(
    app: Flask, hook: tuple[str, str], session: Session
) -> None:
    """The id is not signed: who has seen one delivery could send it again under a new one."""
    first = send(app.test_client(), hook, PUSH, key="d1")
    again = send(app.test_client(), hook, PUSH, key="d2")
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json["repeated"] and again.json["runs"] == first.json["runs"]


def test_without_a_delivery_id_the_body_is_the_key(app: Flask, hook: tuple[str, str]) -> None:
    answers = [send(app.test_client(), hook, PUSH, key="") for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 200]


@pytest.mark.parametrize(
    "told",
    [
        {"ref": "refs/heads/other", "after": "a" * 40},
        {"ref": "refs/tags/main", "after": "a" * 40},
        {"ref": "refs/heads/main", "after": "0" * 40},
    ],
)
def test_what_is_no_push_to_the_branch_deploys_nothing(
    app: Flask, hook: tuple[str, str], session: Session, told: Any
) -> None:
    before = session.query(Run).count()
    answer = send(app.test_client(), hook, told)
    assert (answer.status_code, answer.json["run"]) == (200, None)
    assert session.query(Run).count() == before


def test_what_is_not_signed_is_refused(app: Flask, hook: tuple[str, str], session: Session) -> None:
    before = session.query(Run).count()
    for headers in (
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256=é"},
    ):
        answer = send(app.test_client(), hook, PUSH, **headers)
        assert answer.status_code == 401 and "secret" in answer.json["error"]["remedy"]
    assert send(app.test_client(), (hook[0], "another"), PUSH).status_code == 401
    assert send(app.test_client(), ("/hooks/none", "x"), PUSH).status_code == 404
    assert session.query(Run).count() == before


def test_a_bad_body_is_told_and_kept(app: Flask, hook: tuple[str, str], session: Session) -> None:
    bad = {
        b"no json": "body",
        b"[1]": "body",
        b"\xff": "body",
        b'{"zen": "Keep it logically awesome."}': "ref",
        b'{"ref": "refs/heads/main", "after": "--upload-pack=x"}': "after",
        b'{"ref": ["refs/heads/main"], "after": {}}': "ref",
        b'{"ref": "refs/heads/-x", "after": "%s"}' % (b"a" * 40): "ref",
    }
    for number, (body, path) in enumerate(bad.items()):
        answer = send(app.test_client(), hook, body, key=f"d{number}")
        assert answer.status_code == 422 and answer.json["error"]["path"] == path
    kept = session.query(Delivery).all()
    assert [each.body for each in kept] == list(bad)
    assert {each.event for each in kept} == {"unreadable"}
