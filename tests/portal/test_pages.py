"""What pages show, what they must not show, and what their forms ask for."""

from __future__ import annotations

from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
import sample_data as data
from cryptography.fernet import Fernet
from flask import Flask

from jobs.models import Project, Release, Run, Secret
from jobs.settings import Settings
from portal.database import db
from portal.filters import kind_of, span, value
from portal.plans import shown, summary_words

PAGES = (
    "/",
    "/account",
    "/projects/new",
    "/projects/sample",
    "/projects/sample/domains",
    "/projects/sample/releases",
    "/projects/sample/releases/1",
    "/projects/sample/releases/3",
    *(f"/runs/{number}" for number in range(1, 10)),
)
API = (
    "/api/projects",
    "/api/projects/sample",
    "/api/projects/sample/runs",
    "/api/projects/sample/releases",
    "/api/projects/sample/releases/2",
    "/api/projects/sample/secrets",
    "/api/runs/3",
    "/api/runs/3/log",
)


class Dangers(HTMLParser):
    """Collects what a page would run: inline scripts, handlers, styles, foreign addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "script" and not (named.get("src") or "").startswith("/static/"):
            self.found.append("inline script")
        if tag in ("style", "iframe", "object", "base") or "style" in named:
            self.found.append(tag)
        self.found += [name for name in named if name.startswith("on")]
        if (named.get("href") or "").lower().startswith(("javascript:", "data:")):
            self.found.append(str(named["href"]))


@pytest.fixture
def hostile(app: Flask, settings: Settings) -> Flask:
    """Every text that others can write holds markup."""
    with app.app_context():
        for run in db.session.query(Run):
            run.subject = run.ref = run.requested_by = data.HOSTILE
            run.error = {"path": data.HOSTILE, "message": data.HOSTILE, "remedy": data.HOSTILE}
            (settings.home / "runs" / f"{run.id}.log").write_text(data.HOSTILE + "\n")
        for release in db.session.query(Release):
            web = {**release.spec["services"]["web"], "hosts": ["x/><script>"], "image_ref": "<i>"}
            release.spec = {**release.spec, "services": {data.HOSTILE: web}}
            release.subject = data.HOSTILE
        db.session.query(Project).one().branch = data.HOSTILE
        db.session.commit()
    return app


@pytest.mark.parametrize("path", PAGES)
def test_markup_of_others_is_only_text(hostile: Flask, page: Any, path: str) -> None:
    answer = page("alice").get(path)
    assert answer.status_code == 200
    dangers = Dangers()
    dangers.feed(answer.text)
    assert not dangers.found
    assert "<script>alert" not in answer.text and "<img src=x" not in answer.text


def test_a_secret_is_on_no_page_and_in_no_answer(page: Any, api: Any, app: Flask) -> None:
    with app.app_context():
        run = db.session.get(Run, 3)
        assert run and run.plan
        plan = dict(run.plan)
        leak = {"path": "env.P", "before": data.SECRET, "after": data.SECRET, "secret": True}
        plan["steps"] = [{**plan["steps"][0], "changes": [leak]}]
        run.plan = plan
        db.session.commit()
    alice, token = page("alice"), api("alice")
    for path in PAGES:
        assert data.SECRET not in alice.get(path).text, path
    for path in API:
        answer = token.get(path)
        assert answer.status_code == 200 and data.SECRET not in answer.text, path
    assert "db_password" in alice.get("/projects/sample").text


def test_the_plan_reads_as_a_diff(page: Any) -> None:
    text = page("vera").get("/runs/3").text
    for words in ("1 to replace", "4 unchanged", "DATA LOSS", "downtime", "restart", "amber"):
        assert words in text
    assert f'title="{data.OLD}"' in text and f">{data.OLD}<" not in text
    assert "Deploy this plan" not in text  # Vera only looks


def test_an_empty_plan_says_so_and_offers_nothing(page: Any) -> None:
    text = page("alice").get("/runs/7").text
    assert "Nothing would change." in text and "Deploy this plan" not in text
    assert page("alice").post("/runs/7/apply").status_code == 409


def test_a_failed_run_tells_cause_and_remedy(page: Any) -> None:
    text = page("vera").get("/runs/4").text
    assert "stopped with code 1" in text and "release 2 still serves" in text


def newest(app: Flask) -> Run:
    with app.app_context():
        return db.session.query(Run).order_by(Run.id.desc()).first()


def test_deploy_this_plan_is_bound_to_commit_and_hash(
    page: Any, app: Flask, rung: list[int]
) -> None:
    page("bob").post("/runs/3/apply")
    run = newest(app)
    assert (run.kind, run.ref, run.target) == ("deploy", data.COMMIT, None)
    assert run.expected_plan == data.rich_plan().hash
    assert run.requested_by == "bob@example.org" and rung == [run.id]


def test_the_plan_of_a_rollback_rolls_back(page: Any, app: Flask) -> None:
    page("bob").post("/runs/6/apply")
    run = newest(app)
    assert (run.kind, run.target, run.ref) == ("rollback", 2, None)
    assert run.expected_plan == data.rich_plan().hash


@pytest.mark.parametrize(("button", "kind"), [("preview", "plan"), ("rollback", "rollback")])
def test_buttons_of_the_history(page: Any, app: Flask, button: str, kind: str) -> None:
    page("bob").post(f"/projects/sample/releases/2/{button}")
    run = newest(app)
    assert (run.kind, run.target) == (kind, 2)


def test_destroy_needs_the_typed_name_and_keeps_volumes(page: Any, app: Flask) -> None:
    alice = page("alice")
    shown = alice.get("/projects/sample").text
    assert 'name="volumes" value="database_data">' in shown  # and it is not checked
    refused = alice.post("/projects/sample/destroy", data={"confirm": "samples"})
    assert refused.status_code == 422 and "type sample" in refused.text
    alice.post("/projects/sample/destroy", data={"confirm": "sample"})
    assert newest(app).options == {"volumes": []}
    alice.post("/projects/sample/destroy", data={"confirm": "sample", "volumes": ["database_data"]})
    assert (newest(app).kind, newest(app).options) == ("destroy", {"volumes": ["database_data"]})


def test_a_bad_field_comes_back_with_what_was_typed(page: Any) -> None:
    form = {"name": "Bad Name", "repository": "ext::sh -c id", "branch": "main"}
    answer = page("charlie").post("/projects/new", data=form)
    assert answer.status_code == 422
    assert 'value="Bad Name"' in answer.text and "name: " in answer.text
    taken = {**form, "name": "sample", "repository": "https://git.example.com/a.git"}
    assert page("charlie").post("/projects/new", data=taken).status_code == 409


def test_whoever_registers_a_project_owns_it(page: Any) -> None:
    charlie = page("charlie")
    charlie.post(
        "/projects/new",
        data={"name": "x", "repository": "https://git.example.com/x.git", "branch": "main"},
    )
    assert "Danger zone" in charlie.get("/projects/x").text
    assert page("alice").get("/projects/x").status_code == 404


def test_old_and_broken_rows_are_shown_all_the_same(app: Flask, page: Any) -> None:
    with app.app_context():
        run = db.session.get(Run, 3)
        assert run
        run.plan = {"steps": [{"action": "move"}]}
        release = db.session.query(Release).filter_by(number=3).one()
        release.spec = {"services": {"web": {}}}
        db.session.commit()
    vera = page("vera")
    for path in ("/runs/3", "/", "/projects/sample", "/projects/sample/releases/3"):
        assert vera.get(path).status_code == 200


def test_values_and_words() -> None:
    assert str(value("")) == '<span class="none">empty</span>'
    assert str(value(False)) == "<code>false</code>"
    assert "&lt;b&gt;" in value({"a": "<b>"})
    assert "x" * 72 not in value("x" * 500).split(">")[1]
    assert value("seen", True).count("seen") == 0
    assert kind_of("docker:index/remoteImage:RemoteImage") == "remote image"
    assert [span(s) for s in (5, 74, 3700, 90000)] == ["5 s", "1 min 14 s", "1 h 01 min", "1 d 1 h"]
    assert summary_words({"create": 2, "same": 1}) == [
        ("create", "2 to create"),
        ("same", "1 unchanged"),
    ]
    assert shown(None) is None


@pytest.mark.parametrize(
    ("form", "stored"),
    [
        ({"value": "a\r\n b \r\n"}, b"a\n b \n"),
        ({"value": "a\r\n", "file": (BytesIO(b""), "")}, b"a\n"),
        ({"value": "", "file": (BytesIO(b"\xef\xbb\xbfa\r\n\xc3\xa9\n"), "id_ed25519")},
         b"\xef\xbb\xbfa\r\n\xc3\xa9\n"),
    ],
)  # fmt: skip
def test_a_secret_of_the_form_is_stored_as_typed_and_a_file_byte_for_byte(
    page: Any, app: Flask, settings: Settings, form: dict[str, Any], stored: bytes
) -> None:
    answer = page("alice").post("/projects/sample/secrets", data={"name": "key", **form})
    assert answer.status_code == 302
    with app.app_context():
        row = db.session.query(Secret).filter_by(name="key").one()
    assert Fernet(settings.key("vault-key")).decrypt(row.sealed) == stored


@pytest.mark.parametrize(
    ("form", "path"),
    [
        ({"value": ""}, "value"),
        ({"value": "canary\0"}, "value"),
        ({"file": (BytesIO(b"canary\xff"), "key")}, "file"),
        ({"value": "canary", "file": (BytesIO(b"canary"), "key")}, "value"),
    ],
)
def test_a_secret_that_the_form_can_not_store_is_refused(
    page: Any, app: Flask, form: dict[str, Any], path: str
) -> None:
    answer = page("alice").post("/projects/sample/secrets", data={"name": "key", **form})
    assert answer.status_code == 422 and f"{path}: " in answer.text
    assert "canary" not in answer.text
    with app.app_context():
        assert db.session.query(Secret).filter_by(name="key").count() == 0


def test_a_deploy_from_the_page_may_ask_registries_again(page: Any, app: Flask) -> None:
    alice = page("alice")
    text = alice.get("/projects/sample").text
    assert 'name="pull"' in text and 'name="no_cache"' in text
    for form, options in (
        ({}, {}),
        ({"pull": "1"}, {"pull": True}),
        ({"no_cache": "1"}, {"no_cache": True}),
    ):
        asked = alice.post("/projects/sample/runs", data={"kind": "deploy", **form})
        number = int(asked.headers["Location"].rpartition("/")[2])
        with app.app_context():
            run = db.session.get(Run, number)
            assert run is not None
            kept = {key: run.options[key] for key in ("pull", "no_cache") if key in run.options}
            assert kept == options


def test_a_plan_that_asked_registries_is_deployed_as_it_was_made(page: Any, app: Flask) -> None:
    with app.app_context():
        run = db.session.get(Run, 3)
        assert run and run.plan
        run.options = {**run.options, "pull": True}
        run.plan = {**run.plan, "unchecked": ["postgres:17"]}
        db.session.commit()
    alice = page("alice")
    assert "Not checked for newer images: <code>postgres:17</code>." in alice.get("/runs/3").text
    asked = alice.post("/runs/3/apply")
    number = int(asked.headers["Location"].rpartition("/")[2])
    with app.app_context():
        run = db.session.get(Run, number)
        assert run is not None and run.options["pull"] is True and run.options["bound"] is True
