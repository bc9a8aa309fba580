"""The worker's part in HTTPS: the certificates of what serves on this machine."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.access_log import rotate
from jobs.domains import REMEMBERED
from jobs.keeper import Keeper
from jobs.models import Environment, Event, Project, now
from jobs.queries import release_numbered
from stacks.routes import is_local
from stacks.spec import Spec

AGAIN = "certificate.again"
log = logging.getLogger(__name__)


class Tls(Keeper):
    """Call every few seconds; does nothing where HTTPS is off."""

    def __call__(self, session: Session) -> None:
        """Never raises: what else is due must not wait for a broken log or a full disk."""
        if not self.settings.https_port:
            # What was told while HTTPS was on would still send visitors there.
            (self.folder / "dynamic/domains.yaml").unlink(missing_ok=True)
            return
        try:
            self.look(hosts_of(session), asked_again(session))
            rotate(self.settings)
        except Exception:
            session.rollback()
            log.exception("certificates could not be looked at; it is tried again")


def hosts_of(session: Session, machine: int | None = None) -> set[str]:
    """Hosts of all releases that serve on a machine (its id; None: this one), without names that
    only that machine knows."""
    found: set[str] = set()
    placed = select(Environment).join(Project).where(Project.host_id.is_not_distinct_from(machine))
    for environment in session.scalars(placed).all():
        release = release_numbered(session, environment, environment.release)
        if release is not None:
            for service in Spec.model_validate(release.spec).services.values():
                if service.tls:
                    found |= {route.host for route in service.routes if not is_local(route.host)}
    return found


def asked_again(session: Session) -> dict[str, datetime]:
    """Host → when somebody last asked for another attempt, within a day."""
    query = select(Event).where(Event.action == AGAIN, Event.at > now() - REMEMBERED)
    return {
        str(each.detail.get("host")): each.at for each in session.scalars(query.order_by(Event.at))
    }
