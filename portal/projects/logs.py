"""What a project's services print: a page, text to search and download, and a live stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.hosts.reach import connect_to
from jobs.models import Environment, Secret
from jobs.queries import place_of
from jobs.redact import Redactor
from jobs.terminal import clean, colours
from jobs.vault import open_all
from portal.access import get_environment, get_project, in_environment
from portal.api import blueprint as api
from portal.api.numbers import number_in_query
from portal.colours import coloured
from portal.context import settings
from portal.database import db
from portal.projects import blueprint
from portal.projects.channel import Channel, Channels, Show, advance, parsed, written
from portal.streams import SERVICE_READERS, event_stream
from stacks.errors import PortwrightError
from stacks.service_logs import MOST, Cursors, Line, chosen, newest, short_id

DEFAULT = 500
LINE = 16 * 1024  # characters shown of a line, cut when its secrets are out
CHANNELS = Channels()


def secrets_of(environment: Environment) -> Callable[[], list[str]]:
    """Asks for the values of all secrets that the project ever had: containers may still hold
    an old one. Needs no request."""
    engine, key = db.engine, settings().key("vault-key")
    query = select(Secret).where(Secret.project_id == environment.project_id)

    def ask() -> list[str]:
        with Session(engine) as session:
            return open_all(session.scalars(query).all(), key)

    return ask


def head(line: Line) -> str:
    return f"{line.at[:19].replace('T', ' ')} {line.service} | "


def shown(line: Line, hide: Redactor) -> str:
    return head(line) + hide.redact(clean(line.text))[:LINE]


def shown_as_html(line: Line, hide: Redactor) -> str:
    return str(coloured(head(line) + hide.redact_coloured(colours(line.text))[:LINE]))


def lines_of(environment: Environment, show: Show = shown) -> tuple[list[str], Cursors]:
    """As the query asks: service, tail (of what Docker has kept), q (a part of a line); and
    where a stream goes on from there."""
    tail = number_in_query("tail", DEFAULT, lowest=1, highest=MOST)
    wanted = request.args.get("q", "")[:200].casefold()
    client = connect_to(settings(), environment.project.host)
    try:
        place = place_of(settings(), environment)
        found = chosen(client, place, service_asked())
        lines = newest(found, MOST if wanted else tail)
    finally:
        client.close()
    hide = Redactor(secrets_of(environment)())
    cursors = {short_id(each): lines[0].at if lines else "" for each in found}
    advance(cursors, lines)
    kept = [line for line in lines if wanted in shown(line, hide).casefold()] if wanted else lines
    return [show(line, hide) for line in kept[-tail:]], cursors


def service_asked() -> str:
    name = request.args.get("service", "")
    if name and not (len(name) <= 40 and name.replace("-", "").replace("_", "").isalnum()):
        raise PortwrightError(
            f"{name[:40]!r} is no service", remedy="choose one of the project's", path="service"
        )
    return name


@blueprint.get("/projects/<name>/logs")
def logs(name: str) -> ResponseReturnValue:
    environment = get_environment(name)
    try:
        (lines, cursors), problem = lines_of(environment, shown_as_html), None
    except PortwrightError as error:
        lines, cursors, problem = [], {}, error.to_json()
    asked = {key: request.args[key] for key in ("service", "q") if request.args.get(key)}
    here = {**in_environment(environment), **asked}
    return render_template(
        "projects/logs.html",
        project=get_project(name),
        environment=environment,
        here=in_environment(environment),
        lines=Markup("\n").join(Markup(line) for line in [*lines, ""]),
        problem=problem,
        text=url_for("api.service_logs", name=name, **here),
        download=url_for("api.service_logs", name=name, download="yes", tail=MOST, **here),
        stream=None
        if asked.get("q") or problem
        else url_for("api.follow_services", name=name, after=written(cursors), **here),
    )


@api.get("/projects/<name>/logs")
def service_logs(name: str) -> ResponseReturnValue:
    """text/plain, oldest line first; ?download=yes as a file."""
    environment = get_environment(name)
    text = "".join(f"{line}\n" for line in lines_of(environment)[0])
    response = Response(text, mimetype="text/plain")
    if request.args.get("download"):
        file = f"{name}-{environment.name}.log"
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


@api.get("/projects/<name>/logs/stream")
def follow_services(name: str) -> ResponseReturnValue:
    """Server-sent events of HTML lines, from Last-Event-ID or ?after on, else from now on; 503
    where all places for readers are taken."""
    environment = get_environment(name)
    service, place = service_asked(), place_of(settings(), environment)
    asked = request.headers.get("Last-Event-ID") or request.args.get("after")
    resumed, secrets = parsed(asked) if asked else None, secrets_of(environment)
    where, host = settings(), environment.project.host

    def make() -> Channel:
        client = connect_to(where, host)
        return Channel(client, lambda it: chosen(it, place, service), secrets, shown_as_html)

    def lines() -> Iterator[str]:
        with CHANNELS.joined((place.project, place.environment, service), make) as channel:
            yield from channel.events(resumed)

    return event_stream(lines(), SERVICE_READERS)
