"""Every route from outside: what each of the cast gets. A route that is not here fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import sample_data as data
from flask import Flask
from flask.testing import FlaskClient

from jobs.models import ApiToken, Member, Project, User
from jobs.settings import Settings
from portal.database import db


@dataclass(frozen=True)
class Case:
    """A request, and the statuses of owner, developer, viewer, stranger and visitor."""

    path: str
    alice: int
    bob: int
    vera: int
    charlie: int
    visitor: int
    form: dict[str, Any] | None = None
    json: dict[str, Any] | None = None


READ, API_READ = (200, 200, 200, 404, 302), (200, 200, 200, 404, 401)
ALL, API_ALL = (200, 200, 200, 200, 302), (200, 200, 200, 200, 401)
DEVELOPER, MAINTAINER = (302, 302, 403, 404, 302), (302, 403, 403, 404, 302)
OWNER = MAINTAINER
API_MAINTAINER = (200, 403, 403, 404, 401)
PUBLIC = (200,) * 5
HOST_OWNER = (403, 403, 403, 403, 401)
CASES: dict[tuple[str, str], Case] = {
    ("GET", "static"): Case("/static/portwright.css", *PUBLIC),
    ("GET", "health.healthz"): Case("/healthz", *PUBLIC),
    ("GET", "accounts.sign_in"): Case("/sign-in", 302, 302, 302, 302, 200),
    ("POST", "accounts.sign_in"): Case("/sign-in", *(401,) * 5, form={"email": "x@example.org"}),
    ("POST", "accounts.sign_out"): Case("/sign-out", *(302,) * 5),
    ("GET", "accounts.setup"): Case("/setup?token=x", *(410,) * 5),
    ("POST", "accounts.setup"): Case("/setup?token=x", *(410,) * 5),
    ("GET", "accounts.invitation"): Case("/invitation?token=x", *(410,) * 5),
    ("POST", "accounts.invitation"): Case("/invitation?token=x", *(410,) * 5),
    ("GET", "accounts.account"): Case("/account", *ALL),
    ("POST", "accounts.create_token"): Case("/account/tokens", *ALL, form={"label": "laptop"}),
    # the tokens of the cast are 1 to 4 in the order of the table's columns
    ("POST", "accounts.revoke_token"): Case("/account/tokens/1/revoke", 302, 404, 404, 404, 302),
    ("GET", "projects.index"): Case("/", *ALL),
    ("GET", "projects.new"): Case("/projects/new", *ALL),
    ("POST", "projects.new"): Case(
        "/projects/new",
        *(302,) * 5,
        form={"name": "other", "repository": "https://git.example.com/other.git", "branch": "main"},
    ),
    ("GET", "projects.project"): Case("/projects/sample", *READ),
    ("POST", "projects.start_run"): Case(
        "/projects/sample/runs", *DEVELOPER, form={"kind": "plan"}
    ),
    ("POST", "projects.keep_secret"): Case(
        "/projects/sample/secrets", *MAINTAINER, form={"name": "key", "value": "v"}
    ),
    ("POST", "projects.destroy"): Case(
        "/projects/sample/destroy", *OWNER, form={"confirm": "sample"}
    ),
    ("POST", "projects.put_member"): Case(
        "/projects/sample/members", *OWNER, form={"email": "charlie@example.org", "role": "viewer"}
    ),
    ("POST", "projects.remove_member"): Case("/projects/sample/members/3/remove", *OWNER),
    ("GET", "projects.logs"): Case("/projects/sample/logs", *READ),
    ("GET", "api.service_logs"): Case("/api/projects/sample/logs?tail=3", *API_READ),
    ("GET", "api.follow_services"): Case("/api/projects/sample/logs/stream", *API_READ),
    ("GET", "domains.index"): Case("/projects/sample/domains", *READ),
    ("POST", "domains.again"): Case(
        "/projects/sample/domains/again", 409, 409, 403, 404, 302, form={"host": "x.example.com"}
    ),
    ("GET", "api.list_domains"): Case("/api/projects/sample/domains", *API_READ),
    ("GET", "projects.graph"): Case("/projects/sample/graph.svg", *READ),
    ("POST", "projects.add"): Case(
        "/projects/sample/environments", *MAINTAINER, form={"new": "staging"}
    ),
    ("POST", "projects.policy"): Case(
        "/projects/sample/policy", *MAINTAINER, form={"policy": "always"}
    ),
    ("POST", "runs.answer"): Case("/runs/8/answer", *MAINTAINER, form={"answer": "yes"}),
    ("GET", "runs.queue"): Case("/queue", *ALL),
    # of the host's owner, who is none of the cast
    ("GET", "backups.index"): Case("/backups", 403, 403, 403, 403, 302),
    ("POST", "backups.start"): Case("/backups", 403, 403, 403, 403, 302, form={"what": "backup"}),
    ("GET", "api.backups_api"): Case("/api/backups", 403, 403, 403, 403, 401),
    ("POST", "api.ask_backup"): Case(
        "/api/backups", 403, 403, 403, 403, 401, json={"what": "backup"}
    ),
    ("GET", "runs.run"): Case("/runs/3", *READ),
    ("POST", "runs.apply"): Case("/runs/3/apply", *DEVELOPER),
    ("GET", "releases.index"): Case("/projects/sample/releases", *READ),
    ("GET", "releases.release"): Case("/projects/sample/releases/2", *READ),
    ("POST", "releases.preview"): Case("/projects/sample/releases/2/preview", *DEVELOPER),
    ("POST", "releases.rollback"): Case("/projects/sample/releases/2/rollback", *DEVELOPER),
    ("POST", "api.login"): Case(
        "/api/login", *(401,) * 5, json={"email": "x@example.org", "password": "wrong"}
    ),
    ("POST", "api.logout"): Case("/api/logout", 204, 204, 204, 204, 401),
    ("GET", "api.list_projects"): Case("/api/projects", *API_ALL),
    ("POST", "api.add_project"): Case(
        "/api/projects",
        *(201, 201, 201, 201, 401),
        json={"name": "other", "repository": "https://git.example.com/other.git"},
    ),
    ("GET", "api.one_project"): Case("/api/projects/sample", *API_READ),
    ("PATCH", "api.change_project"): Case(
        "/api/projects/sample", 422, 422, 422, 404, 401, json={"host_access": True}
    ),
    ("GET", "api.list_runs"): Case("/api/projects/sample/runs?limit=5", *API_READ),
    ("POST", "api.add_run"): Case(
        "/api/projects/sample/runs", 202, 202, 403, 404, 401, json={"kind": "deploy"}
    ),
    ("GET", "api.one_run"): Case("/api/runs/3", *API_READ),
    ("GET", "api.run_log"): Case("/api/runs/3/log", *API_READ),
    ("GET", "api.stream_log"): Case("/api/runs/3/log/stream", *API_READ),
    ("POST", "api.approve_run"): Case(
        "/api/runs/8/approve", 422, 403, 403, 404, 401, json={"plan": "0" * 64}
    ),
    ("POST", "api.reject_run"): Case("/api/runs/8/reject", 200, 403, 403, 404, 401, json={}),
    ("GET", "api.queue_api"): Case("/api/queue", *API_ALL),
    ("GET", "api.plan_as"): Case("/api/runs/3/plan.md", *API_READ),
    ("GET", "api.list_environments"): Case("/api/projects/sample/environments", *API_READ),
    ("POST", "api.new_environment"): Case(
        "/api/projects/sample/environments", 201, 403, 403, 404, 401, json={"name": "testing"}
    ),
    ("PATCH", "api.change_environment"): Case(
        "/api/projects/sample/environments/production",
        *(200, 403, 403, 404, 401),
        json={"policy": "always"},
    ),
    ("GET", "api.list_releases"): Case("/api/projects/sample/releases", *API_READ),
    ("GET", "api.one_release"): Case("/api/projects/sample/releases/2", *API_READ),
    ("GET", "api.list_secrets"): Case("/api/projects/sample/secrets", *API_READ),
    ("PUT", "api.put_secret"): Case(
        "/api/projects/sample/secrets/key", 200, 403, 403, 404, 401, json={"value": "v"}
    ),
    ("POST", "hooks.receive"): Case("/hooks/none", *(404,) * 5, json={}),
    ("POST", "api.new_hook"): Case("/api/projects/sample/hooks", 201, 403, 403, 404, 401, json={}),
    ("GET", "visiting.door"): Case("/previews/door", *(404,) * 5),
    ("GET", "visiting.ticket"): Case("/previews/ticket", *(404,) * 4, 302),
    ("POST", "projects.pushes"): Case("/projects/sample/pushes", *MAINTAINER, form={"branch": ""}),
    ("GET", "sources.index"): Case("/projects/sample/source", *READ),
    ("POST", "sources.change"): Case(
        "/projects/sample/source", *MAINTAINER, form={"forge": "gitea", "poll_minutes": "5"}
    ),
    ("POST", "sources.credentials"): Case("/projects/sample/source/credentials", *MAINTAINER),
    ("POST", "sources.key"): Case("/projects/sample/source/key", *MAINTAINER),
    ("POST", "sources.host_key"): Case("/projects/sample/source/host-key", 422, *MAINTAINER[1:]),
    ("POST", "sources.test"): Case("/projects/sample/source/test", 200, *MAINTAINER[1:]),
    ("POST", "sources.poll"): Case("/projects/sample/source/poll", *MAINTAINER),
    ("GET", "api.show_source"): Case("/api/projects/sample/source", *API_READ),
    ("PATCH", "api.change_source"): Case("/api/projects/sample/source", *API_MAINTAINER, json={}),
    ("PUT", "api.put_credentials"): Case(
        "/api/projects/sample/source/credentials", *API_MAINTAINER, json={"token": "t"}
    ),
    ("POST", "api.make_key"): Case("/api/projects/sample/source/key", 201, *API_MAINTAINER[1:]),
    ("POST", "api.host_key"): Case(
        "/api/projects/sample/source/host-key", 422, *API_MAINTAINER[1:], json={}
    ),
    ("POST", "api.test_source"): Case("/api/projects/sample/source/test", *API_MAINTAINER),
    ("POST", "api.poll_source"): Case("/api/projects/sample/source/poll", 202, *API_MAINTAINER[1:]),
    ("GET", "registries.index"): Case("/projects/sample/registries", 200, *MAINTAINER[1:]),
    ("POST", "registries.save"): Case(
        "/projects/sample/registries",
        *MAINTAINER,
        form={"host": "1.1.1.1:5000", "username": "me", "password": "p"},
    ),
    ("POST", "registries.remove"): Case(
        "/projects/sample/registries/remove", *MAINTAINER, form={"host": "1.1.1.1:5000"}
    ),
    ("GET", "api.list_registries"): Case("/api/projects/sample/registries", *API_MAINTAINER),
    ("PUT", "api.put_registry"): Case(
        "/api/projects/sample/registries/1.1.1.1:5000",
        *API_MAINTAINER,
        json={"username": "me", "password": "p"},
    ),
    ("DELETE", "api.delete_registry"): Case(
        "/api/projects/sample/registries/1.1.1.1:5000", *API_MAINTAINER
    ),
    ("GET", "hooks.index"): Case("/projects/sample/hooks", 200, *MAINTAINER[1:]),
    ("POST", "hooks.create"): Case("/projects/sample/hooks", 200, *MAINTAINER[1:]),
    # hook 1 and delivery 1 are there before the cases begin
    ("POST", "hooks.set_up"): Case("/projects/sample/hooks/1/set-up", 422, *MAINTAINER[1:]),
    ("POST", "hooks.rotate_secret"): Case("/projects/sample/hooks/1/rotate", 200, *MAINTAINER[1:]),
    ("GET", "hooks.deliveries"): Case("/projects/sample/deliveries", 200, 200, 403, 404, 302),
    ("GET", "hooks.delivery"): Case("/projects/sample/deliveries/1", 200, 200, 403, 404, 302),
    ("POST", "hooks.again"): Case("/projects/sample/deliveries/1/again", *DEVELOPER),
    ("GET", "api.list_hooks"): Case("/api/projects/sample/hooks", *API_MAINTAINER),
    ("POST", "api.set_up_hook"): Case(
        "/api/projects/sample/hooks/1/set-up", 422, *API_MAINTAINER[1:]
    ),
    ("POST", "api.rotate_hook"): Case("/api/projects/sample/hooks/1/rotate", *API_MAINTAINER),
    ("GET", "api.list_deliveries"): Case(
        "/api/projects/sample/deliveries", 200, 200, 403, 404, 401
    ),
    ("GET", "api.one_delivery"): Case("/api/projects/sample/deliveries/1", 200, 200, 403, 404, 401),
    ("POST", "api.redeliver_one"): Case(
        "/api/projects/sample/deliveries/1/redeliver", 202, 202, 403, 404, 401
    ),
    ("GET", "previews.index"): Case("/projects/sample/previews", *READ),
    ("POST", "previews.settings"): Case(
        "/projects/sample/previews/settings",
        *MAINTAINER,
        form={"most": "5", "ttl_hours": "1", "idle_minutes": "0", "protect": "nobody"},
    ),
    ("POST", "previews.change"): Case(
        "/projects/sample/previews/7/extend", *DEVELOPER, form={"hours": "5"}
    ),
    ("GET", "api.list_previews"): Case("/api/projects/sample/previews", *API_READ),
    ("GET", "api.one_preview"): Case("/api/projects/sample/previews/7", *API_READ),
    ("POST", "api.act_on_preview"): Case(
        "/api/projects/sample/previews/7/extend", 200, 200, 403, 404, 401, json={"hours": 5}
    ),
    ("GET", "api.show_preview_settings"): Case("/api/projects/sample/previews/settings", *API_READ),
    ("PATCH", "api.change_preview_settings"): Case(
        "/api/projects/sample/previews/settings", *API_MAINTAINER, json={"most": 3}
    ),
    ("GET", "snapshots.index"): Case("/projects/sample/snapshots", *READ),
    ("POST", "snapshots.create"): Case(
        "/projects/sample/snapshots",
        *MAINTAINER,
        form={"name": "base", "service": "database", "command": "pg_dump"},
    ),
    ("POST", "snapshots.delete"): Case(
        "/projects/sample/snapshots/none/remove", 422, *MAINTAINER[1:]
    ),
    ("GET", "api.list_snapshots"): Case("/api/projects/sample/snapshots", *API_READ),
    ("POST", "api.take_snapshot"): Case(
        "/api/projects/sample/snapshots",
        *(202, *API_MAINTAINER[1:]),
        json={"name": "base", "service": "database", "command": ["pg_dump"]},
    ),
    ("DELETE", "api.remove_snapshot"): Case(
        "/api/projects/sample/snapshots/none", 422, *API_MAINTAINER[1:]
    ),
    ("GET", "dns.index"): Case("/dns", *(403,) * 4, 302),
    ("POST", "dns.act"): Case("/dns", *(403,) * 4, 302, form={"do": "plan"}),
    ("GET", "hosts.index"): Case("/hosts", *(403,) * 4, 302),
    ("POST", "hosts.add"): Case("/hosts", *(403,) * 4, 302, form={"name": "node"}),
    ("GET", "hosts.one"): Case("/hosts/local", *(403,) * 4, 302),
    ("POST", "hosts.act"): Case("/hosts/local", *(403,) * 4, 302, form={"do": "drain"}),
    ("GET", "api.list_hosts"): Case("/api/hosts", *HOST_OWNER),
    ("POST", "api.add_host"): Case("/api/hosts", *HOST_OWNER, json={}),
    ("GET", "api.one_host"): Case("/api/hosts/local", *HOST_OWNER),
    ("GET", "api.host_keys"): Case("/api/hosts/local/keys", *HOST_OWNER),
    ("POST", "api.confirm_host"): Case("/api/hosts/local/confirm", *HOST_OWNER, json={}),
    ("POST", "api.test_host"): Case("/api/hosts/local/test", *HOST_OWNER),
    ("PUT", "api.move_host"): Case("/api/hosts/local/address", *HOST_OWNER, json={}),
    ("PATCH", "api.label_host"): Case("/api/hosts/local/labels", *HOST_OWNER, json={}),
    ("POST", "api.drain_host"): Case("/api/hosts/local/drain", *HOST_OWNER),
    ("POST", "api.undrain_host"): Case("/api/hosts/local/undrain", *HOST_OWNER),
    ("DELETE", "api.remove_host"): Case("/api/hosts/local", *HOST_OWNER),
    ("PUT", "api.place_project"): Case(
        "/api/projects/sample/host", 200, 403, 403, 404, 401, json={"host": "local"}
    ),
    # what ends something comes last
    ("POST", "hooks.delete"): Case("/projects/sample/hooks/2/delete", *MAINTAINER),
    ("DELETE", "api.delete_hook"): Case("/api/projects/sample/hooks/3", *API_MAINTAINER),
    ("POST", "runs.cancel"): Case("/runs/8/cancel", *DEVELOPER),
    ("POST", "api.cancel_run"): Case("/api/runs/8/cancel", 422, 422, 403, 404, 401, json={}),
    ("DELETE", "api.delete_project"): Case("/api/projects/sample", 202, 403, 403, 404, 401),
}
CAST = ("alice", "bob", "vera", "charlie", "visitor")


def routes(app: Flask) -> set[tuple[str, str]]:
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    return {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & methods
    }


def test_every_route_is_in_the_table(bare: Flask) -> None:
    assert routes(bare) == set(CASES)


@pytest.fixture
def told(app: Flask, settings: Settings) -> None:
    """Hooks 1 to 3, delivery 1, the preview of pull request 7; nothing outside is reachable."""
    with app.app_context():
        data.make_told(db.session, settings)


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("name", CAST)
def test_what_each_of_the_cast_gets(app: Flask, page: Any, api: Any, name: str) -> None:
    tokens = {each: api(each) for each in CAST[:-1]}  # everybody holds a token, Alice's is 1
    wrong = []
    for (method, endpoint), case in CASES.items():
        client: FlaskClient
        if name == "visitor":
            client = app.test_client()
        elif endpoint.startswith("api."):
            client = api(name)
        else:
            client = page(name)
        answer = client.open(case.path, method=method, data=case.form, json=case.json)
        expected = getattr(case, name)
        if answer.status_code != expected:
            wrong.append(f"{method} {case.path}: {answer.status_code}, expected {expected}")
        restore(app)
    assert tokens and not wrong, "\n".join(wrong)


def restore(app: Flask) -> None:
    """Undo what a case may have left for the next one."""
    with app.app_context():
        db.session.query(Project).filter_by(name="other").delete()
        db.session.execute(Member.__table__.delete())
        for user in db.session.query(User):
            role = data.ROLES.get(user.email.partition("@")[0])
            if role:
                db.session.add(Member(project_id=1, user_id=user.id, role=role))
        db.session.query(ApiToken).filter(ApiToken.id > 4).delete()
        db.session.commit()


def test_a_write_to_another_kind_of_run_needs_its_role(api: Any) -> None:
    runs = "/api/projects/sample/runs"
    assert api("bob").post(runs, json={"kind": "destroy"}).status_code == 403
    assert api("alice").post(runs, json={"kind": "destroy"}).status_code == 202
    assert api("vera").post(runs, json={"kind": "plan"}).status_code == 403


def test_a_small_role_is_told_in_plain_words(api: Any) -> None:
    answer = api("vera").post("/api/projects/sample/runs", json={"kind": "plan"})
    assert answer.json["error"] == {
        "path": "",
        "message": "Your role on sample is viewer; this needs developer.",
        "remedy": "Ask an owner of sample for the role developer.",
    }


def test_a_session_reads_the_api_but_does_not_write(page: Any) -> None:
    alice = page("alice")
    assert alice.get("/api/projects").status_code == 200
    assert alice.post("/api/projects/sample/runs", json={"kind": "plan"}).status_code == 401


def test_a_wrong_token_is_not_rescued_by_a_session(page: Any) -> None:
    wrong = {"Authorization": "Bearer pw_wrong"}
    assert page("alice").get("/api/projects", headers=wrong).status_code == 401


def test_a_run_of_another_project_is_not_there(api: Any, app: Flask) -> None:
    charlie = api("charlie")
    made = charlie.post(
        "/api/projects", json={"name": "mine", "repository": "https://git.example.com/mine.git"}
    )
    assert made.status_code == 201
    assert charlie.get("/api/projects/mine").status_code == 200
    assert charlie.get("/api/runs/3").status_code == 404
    assert api("alice").get("/api/projects/mine").status_code == 404


def test_buttons_are_only_shown_to_those_who_may(page: Any) -> None:
    vera = page("vera").get("/projects/sample").text
    assert 'value="deploy"' not in vera
    assert "Danger zone" not in vera
    assert "Danger zone" in page("alice").get("/projects/sample").text
