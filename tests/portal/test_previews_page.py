"""Previews: the list, what may be done with one and by whom, settings, snapshots, secrets of all."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
import sample_data as data
from flask import Flask
from sqlalchemy.orm import Session

from jobs.models import Environment, Preview, Project, Run, Secret, now
from jobs.previews import records
from jobs.pushes import filters_of
from jobs.settings import Settings
from portal.database import db
from zones.keeping import Kept

PREVIEWS = "/api/projects/sample/previews"
PAGE = "/projects/sample/previews"


@pytest.fixture(autouse=True)
def told(app: Flask, settings: Settings) -> None:
    with app.app_context():
        data.make_told(db.session, settings)


def preview(session: Session, number: int) -> Preview:
    return session.query(Preview).filter_by(number=number).one()


def test_they_are_listed_and_what_a_pull_request_says_is_only_text(page: Any, api: Any) -> None:
    text = page("vera").get(PAGE).text
    assert "#7" in text and "Closed (1)" in text and "pull request 9 was merged" in text
    assert "<script>alert" not in text and "Take away" not in text
    found = api("vera").get(PREVIEWS).json["previews"]
    assert [(each["number"], each["status"], each["needs_approval"]) for each in found] == [
        (8, "held", True),
        (7, "new", False),
    ]
    closed = api("vera").get(f"{PREVIEWS}?closed=1").json["previews"]
    assert [each["number"] for each in closed] == [9, 8, 7]


def test_a_name_without_a_record_is_told_with_its_preview(
    page: Any, api: Any, app: Flask, session: Session, settings: Settings
) -> None:
    assert [each["dns"] for each in api("vera").get(PREVIEWS).json["previews"]] == [None, None]
    app.extensions["settings"] = replace(settings, domain="apps.example.com")
    name = "pr-7-sample.apps.example.com"
    spec = {"services": {"web": {"routes": [{"host": name}]}}}
    environment = preview(session, 7).environment
    session.add(Run(environment=environment, kind="deploy", requested_by="hook", spec=spec))
    session.commit()
    assert f"<code>{name}</code>: its record is not looked after yet" in page("vera").get(PAGE).text
    for kept, problem, words in (
        (Kept(False, "A 203.0.113.7: make it"), None, "A 203.0.113.7: make it."),
        (Kept(True, "made"), {"message": "it is away", "remedy": "wait"}, "DNS: it is away; wait."),
    ):
        records.keep_state(settings, records.State({name: kept}, (name,), problem, now()))
        assert words in page("vera").get(PAGE).text
        told = api("vera").get(f"{PREVIEWS}/7").json["preview"]["dns"]
        assert told == {"names": {name: vars(kept)}, "problem": problem}


def test_a_preview_is_no_environment_to_switch_to_or_to_count(page: Any, api: Any) -> None:
    assert 'aria-label="Environment"' not in page("alice").get("/projects/sample").text
    for path in ("/api/projects/sample", "/api/projects/sample/environments"):
        answer = api("alice").get(path).json
        names = answer.get("environments") or answer["project"]["environments"]
        assert [each["name"] for each in names] == ["production"]
    change = {"policy": "always"}
    refused = api("alice").patch("/api/projects/sample/environments/pr-7", json=change)
    assert refused.status_code == 404 and "pr-7" not in refused.json["error"]["remedy"]
    text = page("alice").get("/projects/sample?environment=pr-7").text
    assert "This is the preview of pull request 7" in text
    assert "Danger zone" not in text and "Set policy" not in text


def test_a_forks_commit_runs_only_by_a_maintainer_who_read_that_one(
    page: Any, api: Any, session: Session, rung: list[int]
) -> None:
    assert "Let this commit run" not in page("bob").get(PAGE).text
    assert api("bob").post(f"{PREVIEWS}/8/approve", json={"commit": data.COMMIT}).status_code == 403
    assert page("bob").post(f"{PAGE}/8/approve", data={"commit": data.COMMIT}).status_code == 403
    other = api("alice").post(f"{PREVIEWS}/8/approve", json={"commit": "f" * 40})
    assert other.status_code == 422 and other.json["error"]["path"] == "commit"
    assert session.query(Run).filter(Run.id > 9).count() == 0
    assert page("alice").post(f"{PAGE}/8/approve", data={"commit": data.COMMIT}).status_code == 302
    run = session.query(Run).order_by(Run.id.desc()).first()
    assert (run.kind, run.ref, run.environment.name, rung) == (
        "deploy", data.COMMIT, "pr-8", [run.id],
    )  # fmt: skip
    assert (preview(session, 8).state, preview(session, 8).approved_commit) == ("open", data.COMMIT)


def test_deploying_again_does_not_let_a_fork_run(api: Any, session: Session) -> None:
    answer = api("bob").post(f"{PREVIEWS}/8/deploy", json={})
    assert (answer.status_code, answer.json["run"]) == (200, None)
    assert answer.json["words"].startswith("It waits: it is a fork's")


def test_one_is_extended_deployed_again_woken_and_taken_away(
    page: Any, api: Any, session: Session, rung: list[int]
) -> None:
    bob = page("bob")
    for hours in ("0", "8761", "many", ""):
        refused = bob.post(f"{PAGE}/7/extend", data={"hours": hours})
        assert refused.status_code == 422 and "hours: " in refused.text
    before = preview(session, 7).expires_at
    bob.post(f"{PAGE}/7/extend", data={"hours": "200"})
    session.expire_all()
    assert preview(session, 7).expires_at > before
    again = api("bob").post(f"{PREVIEWS}/7/deploy", json={})
    assert again.status_code == 202 and again.json["run"]["ref"] == data.COMMIT
    preview(session, 7).asleep = True
    session.commit()
    assert bob.post(f"{PAGE}/7/wake").status_code == 302
    session.expire_all()
    assert preview(session, 7).wake_at is not None
    closed = api("bob").post(f"{PREVIEWS}/7/close", json={}).json
    assert (closed["run"]["kind"], closed["preview"]["status"]) == ("destroy", "closed")
    assert closed["preview"]["words"] == "bob@example.org took it away"
    assert rung == [again.json["run"]["id"], closed["run"]["id"]]
    for action in ("close", "deploy", "wake", "extend"):
        refused = api("bob").post(f"{PREVIEWS}/7/{action}", json={"hours": 5})
        assert refused.status_code == 422 and "push to its branch" in refused.text
    assert api("bob").post(f"{PREVIEWS}/7/explode", json={}).status_code == 404
    assert api("bob").post(f"{PREVIEWS}/99/close", json={}).status_code == 404


def test_settings_are_kept_and_a_bad_one_is_named(page: Any, api: Any, session: Session) -> None:
    form = {
        "enabled": "1", "forks": "1", "most": "3", "ttl_hours": "0", "idle_minutes": "15",
        "bases": "main  release/*", "share": "db_password", "protect": "password",
    }  # fmt: skip
    alice = page("alice")
    assert alice.post(f"{PAGE}/settings", data=form).status_code == 302
    wanted = {
        "enabled": True, "forks": "approve", "most": 3, "ttl_hours": 0, "idle_minutes": 15,
        "bases": ["main", "release/*"], "share": ["db_password"], "protect": "password",
    }  # fmt: skip
    assert api("vera").get(f"{PREVIEWS}/settings").json["settings"] == wanted
    assert "No password is set" in alice.get(PAGE).text
    for field, value, path in (
        ("most", "51", "most"),
        ("bases", "../x", "previews.bases"),
        ("share", "no name", "previews.share"),
        ("protect", "everybody", "previews.protect"),
    ):
        refused = alice.post(f"{PAGE}/settings", data={**form, field: value})
        assert refused.status_code == 422 and f"{path}: " in refused.text, field
    changed = api("alice").patch(f"{PREVIEWS}/settings", json={"share": [], "protect": "members"})
    assert changed.json["settings"] == {**wanted, "share": [], "protect": "members"}
    bad = api("alice").patch(f"{PREVIEWS}/settings", json={"most": 0})
    assert bad.status_code == 422 and bad.json["error"]["path"] == "previews.most"
    assert session.query(Project).one().previews["most"] == 3


def test_a_secret_of_all_previews_is_no_environments(page: Any, api: Any, session: Session) -> None:
    form = {"name": "preview_password", "value": "open sesame", "own": "previews"}
    assert page("alice").post("/projects/sample/secrets", data=form).status_code == 302
    kept = session.query(Secret).filter_by(name="preview_password").one()
    assert kept.environment == "previews"
    body = {"value": "v", "environment": "previews"}
    secrets = "/api/projects/sample/secrets"
    assert api("alice").put(f"{secrets}/api_key", json=body).json["secret"]["version"] == 1
    listed = api("vera").get(f"{secrets}?environment=previews").json["secrets"]
    assert [each["name"] for each in listed] == ["api_key", "preview_password"]
    assert [each["name"] for each in api("vera").get(secrets).json["secrets"]] == ["db_password"]
    nowhere = api("alice").put(f"{secrets}/api_key", json={**body, "environment": "nowhere"})
    assert nowhere.status_code == 404


def test_which_pushes_deploy_an_environment(page: Any, api: Any, session: Session) -> None:
    form = {"branch": "trunk", "branches": "trunk release/*", "tags": "v*", "paths": "web/**"}
    assert page("alice").post("/projects/sample/pushes", data=form).status_code == 302
    production = session.query(Environment).filter_by(name="production").one()
    assert vars(filters_of(production)) == {
        "branches": ["trunk", "release/*"], "tags": ["v*"], "paths": ["web/**"],
    }  # fmt: skip
    bad = page("alice").post("/projects/sample/pushes", data={**form, "branch": "--x"})
    assert bad.status_code == 422 and "branch: " in bad.text
    path = "/api/projects/sample/environments/production"
    shown = api("alice").patch(path, json={"branch": "", "filters": {}}).json["environment"]
    assert (shown["branch"], shown["filters"], shown["pushes"]["branches"]) == (None, {}, ["main"])
    for body, field in (
        ({"filters": {"branches": ["../x"]}}, "branches"),
        ({"branch": "a..b"}, "branch"),
        ({}, "policy"),
    ):
        refused = api("alice").patch(path, json=body)
        assert refused.status_code == 422 and refused.json["error"]["path"] == field
    deploy = {"kind": "deploy"}
    api("alice").patch(path, json={"branch": "trunk"})
    assert api("bob").post("/api/projects/sample/runs", json=deploy).json["run"]["ref"] == "trunk"


def test_snapshots_are_taken_listed_and_removed(
    page: Any, api: Any, settings: Settings, session: Session
) -> None:
    form = {"name": "base", "service": "database", "command": "pg_dump -U me 'my shop'"}
    taken = page("alice").post("/projects/sample/snapshots", data=form)
    run = session.query(Run).order_by(Run.id.desc()).first()
    assert taken.location == f"/runs/{run.id}" and run.kind == "snapshot"
    assert run.options["snapshot"] == {
        "service": "database", "command": ["pg_dump", "-U", "me", "my shop"], "snapshot": "base",
    }  # fmt: skip
    assert page("vera").get(taken.location).status_code == 200
    for field, value, path in (
        ("name", "../x", "snapshot"),
        ("service", "-x", "service"),
        ("command", "", "command"),
        ("command", "a 'b", "command"),
    ):
        bad = page("alice").post("/projects/sample/snapshots", data={**form, field: value})
        assert bad.status_code == 422 and f"{path}: " in bad.text
    folder = settings.home / "snapshots" / "sample"
    folder.mkdir(parents=True)
    (folder / "base").write_bytes(b"x" * 2000)
    (folder / ".base.9").write_bytes(b"half of one")
    os.utime(folder / "base", (1_700_000_000, 1_700_000_000))
    path = "/api/projects/sample/snapshots"
    assert api("vera").get(path).json["snapshots"] == [
        {"name": "base", "size": 2000, "taken_at": "2023-11-14T22:13:20+00:00"}
    ]
    assert "2.0 kB" in page("vera").get("/projects/sample/snapshots").text
    assert api("alice").delete(f"{path}/base").status_code == 204
    assert api("alice").delete(f"{path}/base").json["error"]["path"] == "snapshot"
    assert api("alice").delete(f"{path}/.base.9").status_code == 422
