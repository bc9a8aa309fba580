"""The queue, cancelling and deleting, as people meet them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from jobs.models import Health, Project, Run


def ask(client: Any, kind: str = "deploy") -> int:
    answer = client.post("/api/projects/sample/runs", json={"kind": kind})
    assert answer.status_code == 202, answer.json
    return int(answer.json["run"]["id"])


def test_the_queue_tells_position_reason_and_wait(api: Any, page: Any) -> None:
    first = ask(api("bob"), "plan")
    second = ask(api("bob"))
    found = api("bob").get("/api/queue").json
    waiting = {each["id"]: each for each in found["waiting"]}
    assert waiting[first]["position"] < waiting[second]["position"]
    assert waiting[second]["reason"] == "another run of sample production is before it"
    assert waiting[second]["wait_s"] >= waiting[first]["wait_s"]
    text = page("bob").get("/queue").get_data(as_text=True)
    assert "another run of sample production is before it" in text
    assert f"#{second}" in text


def test_a_stranger_sees_only_how_many_others_wait(api: Any, page: Any) -> None:
    ask(api("bob"))
    found = api("charlie").get("/api/queue").json
    assert (found["waiting"], found["active"]) == ([], []) and found["others"] >= 1
    assert "sample" not in page("charlie").get("/queue").get_data(as_text=True)


def test_a_developer_cancels_and_others_may_not(api: Any) -> None:
    run = ask(api("bob"))
    assert api("vera").post(f"/api/runs/{run}/cancel", json={}).status_code == 403
    assert api("charlie").post(f"/api/runs/{run}/cancel", json={}).status_code == 404
    answer = api("bob").post(f"/api/runs/{run}/cancel", json={})
    assert (answer.status_code, answer.json["run"]["state"]) == (200, "cancelled")
    again = api("bob").post(f"/api/runs/{run}/cancel", json={})
    assert again.status_code == 422 and "has ended already" in again.json["error"]["message"]


@pytest.mark.parametrize("state", ["building", "applying"])
def test_what_is_at_work_is_noted(api: Any, app: Flask, session: Session, state: str) -> None:
    run = ask(api("bob"))
    session.get_one(Run, run).state = state
    session.commit()
    answer = api("bob").post(f"/api/runs/{run}/cancel", json={})
    assert answer.status_code == 202 and answer.json["run"]["cancelled_by"] == "bob@example.org"


def test_the_button_on_the_page(page: Any, api: Any) -> None:
    run = ask(api("bob"))
    assert "Cancel</button>" in page("bob").get(f"/runs/{run}").get_data(as_text=True)
    assert "Cancel</button>" not in page("vera").get(f"/runs/{run}").get_data(as_text=True)
    page("bob").post(f"/runs/{run}/cancel")
    text = page("bob").get(f"/runs/{run}").get_data(as_text=True)
    assert "bob@example.org cancelled it" in text and "Cancel</button>" not in text


def test_an_owner_deletes_a_project(api: Any, session: Session) -> None:
    assert api("bob").delete("/api/projects/sample").status_code == 403
    answer = api("alice").delete("/api/projects/sample")
    assert answer.status_code == 202
    assert [run["kind"] for run in answer.json["runs"]] == ["destroy"]
    assert session.query(Project).filter_by(name="sample").one().deleted_at is not None
    refused = api("alice").post("/api/projects/sample/runs", json={"kind": "deploy"})
    assert refused.status_code == 422 and "is being deleted" in refused.json["error"]["message"]


def test_a_service_in_a_crash_loop_is_seen(api: Any, page: Any, session: Session) -> None:
    project = session.query(Project).filter_by(name="sample").one()
    name = api("bob").get("/api/projects/sample").json["project"]["services"][0]["name"]
    cause = "its process ended with exit code 1 and was restarted 4 times"
    session.add(
        Health(environment_id=project.environments[0].id, service=name, restarts=4, cause=cause)
    )
    session.commit()
    (found,) = [
        each
        for each in api("bob").get("/api/projects/sample").json["project"]["services"]
        if each["name"] == name
    ]
    assert (found["restarts"], found["ill"]) == (4, cause)
    assert cause in page("bob").get("/projects/sample").get_data(as_text=True)
