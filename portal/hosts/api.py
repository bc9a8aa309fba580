"""/api/hosts: list, add, confirm, test, label, drain, remove; and where a project is placed."""

from __future__ import annotations

from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from jobs.hosts import labels, placing, registry, trust
from jobs.hosts.check import check
from jobs.models import Host
from portal.access import get_project, person, require_host_owner
from portal.api import blueprint as api
from portal.api.bodies import Body, body_as
from portal.context import settings
from portal.database import db
from portal.hosts.shape import host_json, key_json
from portal.projects.overview import overview
from stacks.errors import PortwrightError


class NewHost(Body):
    name: str
    address: str
    http_port: int = 80
    traefik_port: int = 8701


class Confirmed(Body):
    fingerprints: list[str] = Field(max_length=10)


class Moved(Body):
    address: str


class Labels(Body):
    labels: dict[str, str | None] = Field(max_length=32)


class Placement(Body):
    host: str = ""
    host_label: str = ""


def host_named(name: str) -> Host:
    """For the host's owner only; raises PortwrightError where there is none."""
    require_host_owner()
    return registry.named(db.session, name)


@api.get("/hosts")
def list_hosts() -> ResponseReturnValue:
    require_host_owner()
    return jsonify(hosts=[host_json(each) for each in registry.all_hosts(db.session)])


@api.post("/hosts")
def add_host() -> ResponseReturnValue:
    require_host_owner()
    given = body_as(NewHost)
    made = registry.add(
        db.session, settings(), given.name, given.address, by=person().email,
        http_port=given.http_port, traefik_port=given.traefik_port,
    )  # fmt: skip
    return jsonify(host=host_json(made)), 201


@api.get("/hosts/<host>")
def one_host(host: str) -> ResponseReturnValue:
    return jsonify(host=host_json(host_named(host)))


@api.get("/hosts/<host>/keys")
def host_keys(host: str) -> ResponseReturnValue:
    """What it shows now, for a person to compare."""
    return jsonify(keys=[key_json(each) for each in trust.scanned(host_named(host))])


@api.post("/hosts/<host>/confirm")
def confirm_host(host: str) -> ResponseReturnValue:
    found = host_named(host)
    fingerprints = body_as(Confirmed).fingerprints
    trust.confirm(db.session, settings(), found, fingerprints, by=person().email)
    return jsonify(host=host_json(found))


@api.post("/hosts/<host>/test")
def test_host(host: str) -> ResponseReturnValue:
    """Look now; what was found is in `problem`, `facts` and `facts.warnings`."""
    found = host_named(host)
    check(db.session, settings(), found)
    return jsonify(host=host_json(found))


@api.put("/hosts/<host>/address")
def move_host(host: str) -> ResponseReturnValue:
    found = host_named(host)
    trust.move(db.session, settings(), found, body_as(Moved).address, by=person().email)
    return jsonify(host=host_json(found))


@api.patch("/hosts/<host>/labels")
def label_host(host: str) -> ResponseReturnValue:
    """A label with the value null is taken away; others stay."""
    found = host_named(host)
    labels.label(db.session, found, body_as(Labels).labels, by=person().email)
    return jsonify(host=host_json(found))


@api.post("/hosts/<host>/drain")
def drain_host(host: str) -> ResponseReturnValue:
    found = host_named(host)
    registry.drain(db.session, found, by=person().email)
    return jsonify(host=host_json(found))


@api.post("/hosts/<host>/undrain")
def undrain_host(host: str) -> ResponseReturnValue:
    found = host_named(host)
    registry.undrain(db.session, found, by=person().email)
    return jsonify(host=host_json(found))


@api.delete("/hosts/<host>")
def remove_host(host: str) -> ResponseReturnValue:
    registry.remove(db.session, settings(), host_named(host), by=person().email)
    return "", 204


@api.put("/projects/<name>/host")
def place_project(name: str) -> ResponseReturnValue:
    """{"host": NAME} or {"host_label": KEY=VALUE}; `local` is the portal's own machine."""
    project = get_project(name, "place")
    given = body_as(Placement)
    if not (given.host or given.host_label):
        raise PortwrightError(
            "neither a host nor a label is given",
            remedy="name one; local is this machine",
            path="host",
        )
    chosen = placing.choose(db.session, given.host, given.host_label)
    placing.place(db.session, project, chosen, by=person().email)
    return jsonify(project=overview(project).to_json())
