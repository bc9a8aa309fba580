"""The page 'Domains', the same as JSON, and the button for another attempt."""

from __future__ import annotations

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.front import front_of
from jobs.models import Environment, now
from jobs.queries import release_numbered
from jobs.records import record
from jobs.tls import AGAIN
from portal.access import get_environment, in_environment, person
from portal.api import blueprint as api
from portal.context import settings
from portal.database import db
from portal.domains import blueprint
from portal.domains.listing import Domain, domains_of
from portal.errors import Refused


def domains_in(environment: Environment) -> list[Domain]:
    release = release_numbered(db.session, environment, environment.release)
    return domains_of(release, front_of(environment.project.host, settings()), now())


@blueprint.get("/projects/<name>/domains")
def index(name: str) -> ResponseReturnValue:
    environment = get_environment(name)
    return render_template(
        "domains/index.html",
        project=environment.project,
        environment=environment,
        here=in_environment(environment),
        domains=domains_in(environment),
    )


@blueprint.post("/projects/<name>/domains/again")
def again(name: str) -> ResponseReturnValue:
    """Ask for another attempt now, where one failed."""
    environment = get_environment(name, "deploy")
    host = request.form.get("host", "")
    failing = {each.host for each in domains_in(environment) if each.stage == "failing"}
    if host not in failing:
        raise Refused(409, "There is nothing to try again.", "Reload the page.", "host")
    record(db.session, person().email, AGAIN, name, host=host)
    db.session.commit()
    soon = "half a minute" if environment.project.host else "a few seconds"
    flash(f"{host} is tried again in {soon}.")
    return redirect(url_for("domains.index", name=name, **in_environment(environment)))


@api.get("/projects/<name>/domains")
def list_domains(name: str) -> ResponseReturnValue:
    return jsonify(domains=[each.to_json() for each in domains_in(get_environment(name))])
