"""The page 'Hosts', and that of one host."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template
from flask.typing import ResponseReturnValue

from jobs.hosts import registry
from jobs.models import Host
from portal.access import require_host_owner
from portal.database import db
from portal.hosts import blueprint
from portal.hosts.shape import host_json
from stacks.errors import PortwrightError

# The colours of the pages' other badges.
BADGES = {"active": "succeeded", "away": "failed", "drained": "awaiting_approval"}


def of_page(name: str) -> Host:
    """For the host's owner only; 404 where there is none."""
    require_host_owner()
    try:
        return registry.named(db.session, name)
    except PortwrightError:
        abort(404)


@blueprint.get("/hosts")
def index() -> ResponseReturnValue:
    require_host_owner()
    return listed()


def listed(code: int = 200, **more: Any) -> ResponseReturnValue:
    found = [host_json(each) for each in registry.all_hosts(db.session)]
    db.session.commit()
    given = {"http_port": 80, "traefik_port": 8701}
    more = {"given": given, "error": None, **more}
    return render_template("hosts/index.html", hosts=found, badges=BADGES, **more), code


@blueprint.get("/hosts/<host>")
def one(host: str) -> ResponseReturnValue:
    return shown(of_page(host))


def shown(host: Host, code: int = 200, **more: Any) -> ResponseReturnValue:
    """more: keys that it shows now, an error."""
    more = {"keys": None, "error": None, **more}
    page = render_template("hosts/host.html", host=host_json(host), row=host, badges=BADGES, **more)
    return page, code
