"""/api/projects/<name>/source: settings go both ways, credentials only in."""

from __future__ import annotations

from dataclasses import asdict

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from jobs.host_keys import pin, scanned
from jobs.sources import keep, new_key
from portal.access import get_project, person
from portal.api import blueprint as api
from portal.api.bodies import Body, body_as
from portal.context import settings
from portal.database import db
from portal.sources.acting import change, poll_now, tried
from portal.sources.shape import source_json


class SourceChange(Body):
    forge: str | None = None
    api_url: str | None = None
    full_name: str | None = None
    submodules: bool | None = None
    lfs: bool | None = None
    poll_minutes: int | None = None


class NewCredentials(Body):
    """Empty text forgets a field; one that is left out stays."""

    username: str | None = None
    password: str | None = None
    private_key: str | None = None
    token: str | None = None
    app_id: str | None = None
    app_key: str | None = None
    installation: str | None = None


class Confirmed(Body):
    confirm: list[str] | None = Field(default=None, max_length=10)


@api.get("/projects/<name>/source")
def show_source(name: str) -> ResponseReturnValue:
    return jsonify(source=source_json(get_project(name)))


@api.patch("/projects/<name>/source")
def change_source(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    given = body_as(SourceChange).model_dump(exclude_none=True)
    forgotten = change(project, kind=given.pop("forge", None), **given)
    return jsonify(source=source_json(project), token_forgotten=forgotten)


@api.put("/projects/<name>/source/credentials")
def put_credentials(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    given = body_as(NewCredentials).model_dump(exclude_none=True)
    keep(db.session, settings().key("vault-key"), project, given, by=person().email)
    return jsonify(source=source_json(project))


@api.post("/projects/<name>/source/key")
def make_key(name: str) -> ResponseReturnValue:
    """The public part; the private one is kept and never shown."""
    project = get_project(name, "source")
    key = new_key(db.session, settings().key("vault-key"), project, by=person().email)
    return jsonify(public_key=key), 201


@api.post("/projects/<name>/source/host-key")
def host_key(name: str) -> ResponseReturnValue:
    """Fingerprints that the server shows now; with `confirm`, those of them that are trusted."""
    project = get_project(name, "source")
    given = body_as(Confirmed).confirm
    if given is not None:
        pin(db.session, settings(), project, given, by=person().email)
        return jsonify(host_keys=source_json(project)["host_keys"])
    found = scanned(settings(), project)
    return jsonify(shown=[{"type": key.type, "fingerprint": key.fingerprint} for key in found])


@api.post("/projects/<name>/source/test")
def test_source(name: str) -> ResponseReturnValue:
    """Whether git can read it, and whether the forge's API takes what is kept for it."""
    found = tried(get_project(name, "source"))
    git = {**asdict(found.git), "ok": found.git.ok, "branches": list(found.git.branches)}
    return jsonify(git=git, api=asdict(found.api) if found.api else None)


@api.post("/projects/<name>/source/poll")
def poll_source(name: str) -> ResponseReturnValue:
    project = get_project(name, "source")
    poll_now(project)
    return jsonify(source=source_json(project)), 202
