"""The JSON API: what it takes, what it gives, and how it says no."""

from __future__ import annotations

from typing import Any

import pytest
import sample_data as data
from cryptography.fernet import Fernet
from flask import Flask

from jobs.models import Run, Secret
from jobs.settings import Settings
from portal.database import db

RUNS = "/api/projects/sample/runs"


def test_a_project(api: Any) -> None:
    project = api("vera").get("/api/projects/sample").json["project"]
    web = project["services"][1]
    assert (project["name"], project["release"], project["branch"]) == ("sample", 3, "main")
    assert web == {
        "name": "web",
        "image": "sample-web:0123456",
        "generation": 5,
        "replicas": 2,
        "urls": ["http://web.sample.localhost:8080"],
        "volumes": [],
        "cron": None,
        "published": [],
        "restarts": 0,
        "ill": None,
    }
    assert project["urls"] == web["urls"]
    assert project["last_run"]["id"] == 9


def test_a_run_is_recorded_before_the_doorbell(api: Any, rung: list[int], app: Flask) -> None:
    body = {"kind": "deploy", "ref": "v1.2", "plan": "a" * 64}
    answer = api("bob").post(RUNS, json=body)
    run = answer.json["run"]
    assert (answer.status_code, run["state"], run["ref"]) == (202, "queued", "v1.2")
    assert run["expected_plan"] == "a" * 64 and run["requested_by"] == "bob@example.org"
    assert rung == [run["id"]]
    with app.app_context():
        assert db.session.get(Run, run["id"])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "kind"),
        ({"kind": "explode"}, "kind"),
        ({"kind": "plan", "force": True}, "force"),
        ({"kind": "plan", "ref": 5}, "ref"),
        ({"kind": "plan", "ref": "--upload-pack=x"}, "ref"),
        ({"kind": "plan", "plan": "a" * 64}, "plan"),
        ({"kind": "deploy", "plan": "short"}, "plan"),
        ({"kind": "deploy", "release": 1}, "release"),
        ({"kind": "rollback"}, "release"),
        ({"kind": "rollback", "release": 99}, "release"),
        ({"kind": "rollback", "release": "1"}, "release"),
        ({"kind": "plan", "ref": "main", "release": 1}, "ref"),
        ({"kind": "destroy", "volumes": ["../x"]}, "volumes"),
        ({"kind": "destroy", "volumes": [7]}, "volumes.0"),
        ({"kind": "plan", "volumes": ["data"]}, "volumes"),
        ({"kind": "rollback", "release": 1, "pull": True}, "pull"),
        ({"kind": "plan", "release": 1, "no_cache": True}, "no_cache"),
        ({"kind": "deploy", "pull": "yes"}, "pull"),
    ],
)
def test_a_bad_field_is_named(api: Any, rung: list[int], body: dict[str, Any], path: str) -> None:
    answer = api("alice").post(RUNS, json=body)
    assert answer.status_code == 422
    assert answer.json["error"]["path"] == path and answer.json["error"]["remedy"]
    assert not rung


def test_what_is_no_json_object(api: Any) -> None:
    alice = api("alice")
    assert alice.post(RUNS, data="{", content_type="application/json").status_code == 400
    assert alice.post(RUNS, json=["plan"]).status_code == 400
    assert alice.post(RUNS, data="kind=plan").status_code == 415
    assert alice.post(RUNS, data="x" * 2**21, content_type="application/json").status_code == 413
    assert alice.delete(RUNS).json["error"]["message"]


def test_a_name_that_is_taken(api: Any) -> None:
    body = {"name": "sample", "repository": "https://git.example.com/other.git"}
    answer = api("charlie").post("/api/projects", json=body)
    assert answer.status_code == 409 and answer.json["error"]["path"] == "name"


def test_runs_newest_first_and_limited(api: Any) -> None:
    vera = api("vera")
    runs = vera.get(f"{RUNS}?limit=2").json["runs"]
    assert [run["id"] for run in runs] == [9, 8]
    assert "plan" not in runs[0] and runs[1]["summary"]["delete"] == 1
    assert vera.get(f"{RUNS}?limit=0").status_code == 422


def test_a_run_with_its_plan(api: Any) -> None:
    run = api("vera").get("/api/runs/3").json["run"]
    assert run["plan"]["hash"] == data.rich_plan().hash == run["plan_hash"]
    assert [step["action"] for step in run["plan"]["steps"]] == ["create", "replace", "delete"]


def test_releases(api: Any) -> None:
    vera = api("vera")
    answer = vera.get("/api/projects/sample/releases").json
    assert answer["current"] == 3
    assert [(r["number"], r["rollback_of"]) for r in answer["releases"]] == [
        (3, 1),
        (2, None),
        (1, None),
    ]
    release = vera.get("/api/projects/sample/releases/2").json["release"]
    assert release["spec"]["services"]["web"]["image"] == data.NEW
    assert release["plan"]["summary"]["same"] == 4 and release["log"] == "/api/runs/2/log"
    assert vera.get("/api/projects/sample/releases/9").status_code == 404


def test_a_secret_is_sealed_and_numbered(api: Any, app: Flask, settings: Settings) -> None:
    alice, path = api("alice"), "/api/projects/sample/secrets"
    answer = alice.put(f"{path}/db_password", json={"value": "new value"})
    assert answer.json == {"secret": {"name": "db_password", "version": 2, "environment": None}}
    assert alice.get(path).json == {"secrets": [{"name": "db_password", "version": 2}]}
    with app.app_context():
        row = db.session.query(Secret).filter_by(version=2).one()
    assert Fernet(settings.key("vault-key")).decrypt(row.sealed) == b"new value"
    refused = alice.put(f"{path}/1bad", json={"value": "hidden-one"})
    assert refused.status_code == 422 and "hidden-one" not in refused.text
    typed = alice.put(f"{path}/good", json={"value": ["hidden-two"]})
    assert typed.status_code == 422 and "hidden-two" not in typed.text


def test_a_secret_is_stored_byte_for_byte_or_refused(
    api: Any, app: Flask, settings: Settings
) -> None:
    alice, path = api("alice"), "/api/projects/sample/secrets"
    value = "-----BEGIN KEY-----\r\nAA==\n\n"
    assert alice.put(f"{path}/ssh_key", json={"value": value}).status_code == 200
    with app.app_context():
        row = db.session.query(Secret).filter_by(name="ssh_key").one()
    assert Fernet(settings.key("vault-key")).decrypt(row.sealed).decode() == value
    for bad in ("canary\0", "canary\ud800", ""):
        refused = alice.put(f"{path}/ssh_key", json={"value": bad})
        assert refused.status_code == 422 and refused.json["error"]["path"] == "value"
        assert "canary" not in refused.text


def test_what_is_not_there_is_json_too(api: Any) -> None:
    answer = api("alice").get("/api/nothing")
    assert answer.status_code == 404 and answer.json["error"]["message"]


def test_a_yes_is_for_the_plan_that_was_read(api: Any, rung: list[int]) -> None:
    owner = api("alice")
    plan = owner.get("/api/runs/8").json["run"]["plan"]
    assert plan["destructive"] and plan["steps"][0]["destructive"]
    wrong = owner.post("/api/runs/8/approve", json={"plan": "0" * 64})
    assert wrong.status_code == 422 and wrong.json["error"]["path"] == "plan"
    assert owner.post("/api/runs/8/approve", json={"plan": plan["hash"]}).status_code == 202
    run = owner.get("/api/runs/8").json["run"]
    assert (run["state"], run["approved_by"], rung) == ("queued", run["approved_by"], [8])
    assert run["approved_by"].startswith("alice")


def test_a_hash_from_somebody_who_may_not_approve_is_no_yes(api: Any) -> None:
    body = {"kind": "deploy", "plan": "a" * 64}
    for who, approved in (("bob", False), ("alice", True)):
        run = api(who).post("/api/projects/sample/runs", json=body).json["run"]
        assert bool(run["approved_by"]) is approved


def test_environments_have_runs_and_releases_of_their_own(api: Any) -> None:
    owner = api("alice")
    made = owner.post("/api/projects/sample/environments", json={"name": "staging"})
    assert made.json["environment"] == {
        "name": "staging",
        "policy": "destructive",
        "release": None,
        "branch": None,
        "filters": {},
        "pushes": None,
    }
    asked = owner.post("/api/projects/sample/runs", json={"kind": "plan", "environment": "staging"})
    assert asked.json["run"]["environment"] == "staging"
    there = owner.get("/api/projects/sample/runs?environment=staging").json["runs"]
    assert [run["id"] for run in there] == [asked.json["run"]["id"]]
    assert owner.get("/api/projects/sample/releases?environment=staging").json["releases"] == []
    missing = owner.get("/api/projects/sample/runs?environment=nowhere")
    assert missing.status_code == 404 and "production, staging" in missing.json["error"]["remedy"]
    policy = owner.patch("/api/projects/sample/environments/staging", json={"policy": "never"})
    assert policy.status_code == 422 and policy.json["error"]["path"] == "policy"


def test_a_plan_as_markdown_and_text(api: Any) -> None:
    assert "| env\\.COLOR |" in api("vera").get("/api/runs/3/plan.md").text.replace(
        "env.", "env\\."
    )
    assert "Plan: " in api("vera").get("/api/runs/3/plan.txt").text
    assert api("vera").get("/api/runs/3/plan.html").status_code == 404


def test_a_run_may_ask_registries_again_and_build_without_cache(api: Any) -> None:
    alice = api("alice")
    plain = alice.post(RUNS, json={"kind": "deploy"}).json["run"]
    assert (plain["pull"], plain["no_cache"]) == (False, False)
    for kind in ("plan", "deploy"):
        body = {"kind": kind, "pull": True, "no_cache": True}
        run = alice.post(RUNS, json=body).json["run"]
        assert (run["pull"], run["no_cache"]) == (True, True)


def test_a_plan_tells_which_tags_were_not_checked(api: Any, app: Flask) -> None:
    with app.app_context():
        run = db.session.get(Run, 3)
        assert run and run.plan
        run.plan = {**run.plan, "unchecked": ["postgres:17"]}
        db.session.commit()
    assert api("vera").get("/api/runs/3").json["run"]["plan"]["unchecked"] == ["postgres:17"]
    assert "postgres:17 was not checked" in api("vera").get("/api/runs/3/plan.txt").text
