"""Credentials of registries: by page and API, write-only, and who may see or set what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sample_data as data
from certificate_authority import authority
from flask import Flask

from jobs.models import Member, Project
from jobs.registries import logins_of
from jobs.settings import Settings
from portal.database import db
from stacks.docker.images.login import Login

HOST = "1.1.1.1:5000"
REGISTRIES = "/api/projects/sample/registries"
PAGE = "/projects/sample/registries"
SECRET = "tok-very-secret"


def logins(app: Flask, settings: Settings) -> dict[str, Login]:
    with app.app_context():
        project = db.session.query(Project).filter_by(name="sample").one()
        return logins_of(db.session, settings, project, pytest.fail)


def own_the_host(app: Flask, name: str) -> None:
    with app.app_context():
        db.session.query(data.User).filter_by(email=data.email(name)).one().host_owner = True
        db.session.commit()


def give_role(app: Flask, name: str, role: str) -> None:
    with app.app_context():
        user = db.session.query(data.User).filter_by(email=data.email(name)).one()
        db.session.query(Member).filter_by(user_id=user.id).one().role = role
        db.session.commit()


def test_a_password_goes_in_and_never_comes_out(
    api: Any, page: Any, app: Flask, settings: Settings
) -> None:
    alice, browser = api("alice"), page("alice")
    given = {"username": "me", "password": f"{SECRET}\n"}
    answer = alice.put(f"{REGISTRIES}/{HOST}", json=given)
    made = dict(answer.json["registry"])
    assert made.pop("created_at")
    expected = {"host": HOST, "username": "me", "kind": "password", "ca": []}
    assert made == {**expected, "created_by": data.email("alice")}
    assert logins(app, settings) == {HOST: Login("me", f"{SECRET}\n")}
    form = {"host": "8.8.8.8:5000", "username": "me", "password": SECRET}
    assert browser.post(PAGE, data=form).status_code == 302
    assert logins(app, settings)["8.8.8.8:5000"] == Login("me", SECRET)
    shown = [answer.text, alice.get(REGISTRIES).text, browser.get(PAGE).text]
    assert all(HOST in text and SECRET not in text for text in shown)
    assert alice.delete(f"{REGISTRIES}/{HOST}").json == {"removed": HOST}
    assert browser.post(f"{PAGE}/remove", data={"host": "8.8.8.8:5000"}).status_code == 302
    assert alice.get(REGISTRIES).json == {"registries": []}
    assert alice.delete(f"{REGISTRIES}/{HOST}").status_code == 422
    assert browser.post(f"{PAGE}/remove", data={"host": HOST}).status_code == 422


@pytest.mark.parametrize(
    "host", ["https://ghcr.io", "https://ghcr.io/", "ghcr.io/me/app", "https%3A%2F%2Fghcr.io%2Fme"]
)
def test_a_pasted_address_is_refused_with_the_right_spelling(api: Any, host: str) -> None:
    answer = api("alice").put(f"{REGISTRIES}/{host}", json={"username": "m", "password": SECRET})
    assert answer.status_code == 422
    assert (answer.json["error"]["path"], answer.json["error"]["remedy"]) == (
        "host", "Use ghcr.io.",
    )  # fmt: skip


def test_refusals_name_the_field_and_never_the_value(api: Any, page: Any) -> None:
    alice, browser = api("alice"), page("alice")
    for given, path in (
        ({"username": "me"}, "password"),
        ({"username": "me", "password": f"{SECRET}\ud800"}, "password"),
        ({"username": "me", "password": [SECRET]}, "password"),
        ({"username": "me", "passwort": SECRET}, "passwort"),
        ({"password": SECRET}, "username"),
        ({"username": "me", "command": SECRET}, "command"),
        ({}, "username"),
    ):
        refused = alice.put(f"{REGISTRIES}/{HOST}", json=given)
        assert refused.status_code == 422 and refused.json["error"]["path"] == path, given
        assert SECRET not in refused.text
    form = {"host": HOST, "username": "me:you", "password": SECRET}
    again = browser.post(PAGE, data=form)
    assert again.status_code == 422 and "username: " in again.text
    assert f'value="{HOST}"' in again.text and SECRET not in again.text
    assert alice.get(REGISTRIES).json == {"registries": []}


def test_a_private_registry_needs_the_owners_permission(
    api: Any, app: Flask, settings: Settings
) -> None:
    alice, given = api("alice"), {"username": "me", "password": SECRET}
    refused = alice.put(f"{REGISTRIES}/127.0.0.1:5000", json=given)
    assert refused.status_code == 422 and refused.json["error"]["path"] == "host"
    app.extensions["settings"] = replace(settings, allowed_hosts="127.0.0.1")
    assert alice.put(f"{REGISTRIES}/127.0.0.1:5000", json=given).status_code == 200


def test_a_command_and_a_ca_are_for_the_owner_of_the_host(
    api: Any, page: Any, app: Flask, settings: Settings
) -> None:
    alice, browser = api("alice"), page("alice")
    trusted = authority("our CA").pem
    command = {"username": "AWS", "command": ["printf", "%s", SECRET]}
    assert alice.put(f"{REGISTRIES}/{HOST}", json=command).json["error"]["path"] == "command"
    assert alice.put(f"{REGISTRIES}/{HOST}", json={"ca": trusted}).json["error"]["path"] == "ca"
    form = {"host": HOST, "username": "AWS", "command": f"printf '%s' {SECRET}", "ca": trusted}
    assert browser.post(PAGE, data=form).status_code == 422
    assert "CA certificate" not in browser.get(PAGE).text
    own_the_host(app, "alice")
    assert "CA certificate" in browser.get(PAGE).text
    unbalanced = browser.post(PAGE, data={**form, "command": "printf 'x"})
    assert unbalanced.status_code == 422 and "command: " in unbalanced.text
    assert browser.post(PAGE, data=form).status_code == 302
    (row,) = alice.get(REGISTRIES).json["registries"]
    assert (row["kind"], row["username"]) == ("command", "AWS")
    assert [each["subject"] for each in row["ca"]] == ["CN=our CA"]
    text = browser.get(PAGE).text
    assert "CN=our CA" in text and SECRET not in text and "printf" not in text
    assert SECRET not in alice.get(REGISTRIES).text
    assert browser.post(PAGE, data={"host": HOST, "no_ca": "1"}).status_code == 302
    (row,) = alice.get(REGISTRIES).json["registries"]
    assert (row["kind"], row["ca"]) == ("command", [])


def test_a_maintainer_sets_passwords_and_lower_roles_see_nothing(
    api: Any, page: Any, app: Flask
) -> None:
    given = {"username": "me", "password": SECRET}
    api("alice").put(f"{REGISTRIES}/{HOST}", json=given)
    bob = api("bob")
    assert bob.get(REGISTRIES).status_code == 403 and HOST not in bob.get(REGISTRIES).text
    assert page("bob").get(PAGE).status_code == 403
    assert 'href="/projects/sample/registries"' not in page("bob").get("/projects/sample").text
    assert api("charlie").get(REGISTRIES).json == api("charlie").get("/api/projects/none").json
    give_role(app, "bob", "maintainer")
    assert bob.put(f"{REGISTRIES}/{HOST}", json=given).status_code == 200
    assert bob.put(f"{REGISTRIES}/{HOST}", json={"ca": "x"}).status_code == 422
    assert page("bob").get(PAGE).status_code == 200


def test_markup_in_a_user_name_is_only_text(api: Any, page: Any) -> None:
    given = {"username": data.HOSTILE.replace(":", ""), "password": SECRET}
    assert api("alice").put(f"{REGISTRIES}/{HOST}", json=given).status_code == 200
    text = page("alice").get(PAGE).text
    assert "<script>alert" not in text and "<img src=x" not in text


def test_a_form_from_elsewhere_is_refused(app: Flask, settings: Settings) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    for path in (PAGE, f"{PAGE}/remove"):
        assert client.post(path, data={"host": HOST}).status_code == 400
