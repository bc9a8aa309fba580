"""What is due by time: cron containers to start, new releases to watch, drift to look for.

Runs in the worker's own process between and beside Runs: Docker and the database only,
never the engine.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import docker
from croniter import croniter
from docker.errors import DockerException
from docker.models.containers import Container
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import builders, deliveries, monitor
from jobs.backup.pausing import standing
from jobs.cleanup import prune_all, prune_logs, prune_mirrors
from jobs.doorbell import doorbell
from jobs.models import Environment, Host, Preview, Project, Release, Run, now
from jobs.previews import sleep
from jobs.previews.upkeep import upkeep
from jobs.queries import active_runs, place_of, release_numbered
from jobs.requests import Doorbell, request_run
from jobs.schedules import run_due
from jobs.settings import Settings
from jobs.tls import Tls
from jobs.vault import open_secrets
from stacks.compile import compile_spec
from stacks.docker.builds.builder_image import remove_old_images
from stacks.docker.images.engine import connect
from stacks.drift import Finding, observe
from stacks.freeze import window
from stacks.spec import Spec
from stacks.world import Place, ailment, containers, moment

BY = "portwright"
EVERY = 5.0
DAILY = timedelta(days=1)
BUILDERS = timedelta(minutes=2)
log = logging.getLogger(__name__)


class Ticks:
    """Call often; each kind of work is done when it is due. Never raises."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.last = 0.0
        self.tls = Tls(settings)

    def __call__(self, session: Session) -> None:
        self.wake(session)
        if time.monotonic() - self.last < EVERY:
            return
        try:
            self.work(session)
        except Exception:
            session.rollback()
            log.exception("what is due could not be done; it is tried again")
        self.last = time.monotonic()

    def wake(self, session: Session) -> None:
        """Somebody waits in front of a preview that sleeps: this is not for the next turn."""
        try:
            if not sleep.wanted(session):
                return
            client = connect()
            try:
                sleep.wake(session, client, self.settings)
            finally:
                client.close()
        except Exception:
            session.rollback()
            log.exception("a preview could not be woken; it is tried again")

    def work(self, session: Session) -> None:
        self.tls(session)
        client = connect()
        try:
            ring = doorbell(self.settings.redis_url)
            upkeep(session, ring, self.settings)
            look_at(session, client, self.settings, ring)
            settings = self.settings
            run_due(session, {
                "logs": (DAILY, lambda: prune_logs(session, settings)),
                "deliveries": (DAILY, lambda: deliveries.prune(session)),
                "mirrors": (DAILY, lambda: prune_mirrors(session, settings)),
            })  # fmt: skip
        finally:
            client.close()


def look_at(
    session: Session,
    client: docker.DockerClient,
    settings: Settings,
    ring: Doorbell,
    host: Host | None = None,
) -> None:
    """What is due on one machine: this one, or the host whose engine the client is of."""
    number, at = (host.id, f"@{host.name}") if host else (None, "")
    start_due(client, settings.instance, now(), standing(settings, host.name if host else ""))
    watch_releases(session, client, settings, ring, number)
    for environment, _, _ in serving(session, number):
        monitor.look(session, client, place_of(settings, environment), environment)
    run_due(session, {
        f"drift{at}": (
            timedelta(minutes=settings.drift_minutes),
            lambda: look_for_drift(session, client, settings, ring, number),
        ),
        f"images{at}": (DAILY, lambda: prune_all(session, client, settings, number)),
        f"builders{at}": (BUILDERS, lambda: sweep_builders(session, client, settings, host)),
    })  # fmt: skip


def sweep_builders(
    session: Session, client: docker.DockerClient, settings: Settings, host: Host | None
) -> list[str]:
    """Stop idle builders of that machine; remove build caches and builder images that nobody needs."""
    here = Project.host_id.is_not_distinct_from(host.id if host else None)
    owners = set(session.scalars(select(Project.name).where(here)))
    forks = (
        select(Project.name, Preview.number)
        .join(Preview, Preview.project_id == Project.id)
        .where(here, Preview.fork, Preview.state != "closed")
    )
    owners |= {
        builders.owner_of(name, f"{builders.FORK}{number}")
        for name, number in session.execute(forks)
    }
    changed = builders.sweep(client, settings, host, owners)
    return changed + remove_old_images(client, settings.home / "bin", now())


def start_due(
    client: docker.DockerClient, instance: str, at: datetime, waiting: Collection[str] = ()
) -> list[str]:
    """Start every cron container whose time has come since it last ran; one time that was
    missed, or many, is one start. What runs still is left alone. Returns their names.

    waiting: ids of those that are not to be started now."""
    labels = [f"portwright.instance={instance}", "portwright.cron"]
    started = []
    for container in client.containers.list(
        all=True, filters={"label": labels}, ignore_removed=True
    ):
        if container.attrs["State"].get("Running") or container.id in waiting:
            continue
        if not due(container, at):
            continue
        try:
            container.start()
            started.append(str(container.name))
        except DockerException as error:
            log.warning("the cron job %s could not start: %s", container.name, error)
    return started


def due(container: Container, at: datetime) -> bool:
    began = moment(container.attrs["State"].get("StartedAt") or "")
    since = max(moment(container.attrs["Created"]), began)
    try:
        following = croniter(container.labels["portwright.cron"], since).get_next(datetime)
    except ValueError:
        return False
    return bool(following <= at)


def serving(
    session: Session, host: int | None = None
) -> Iterator[tuple[Environment, Release, Spec]]:
    """Environments with a release and nothing under way, of projects that are placed on that host
    (its id; None: this machine)."""
    asleep = set(session.scalars(select(Preview.environment_id).where(Preview.asleep.is_(True))))
    placed = select(Environment).join(Project).where(Project.host_id.is_not_distinct_from(host))
    for environment in session.scalars(placed.order_by(Environment.id)).all():
        release = release_numbered(session, environment, environment.release)
        if environment.id in asleep:
            continue
        waiting = [r for r in active_runs(session, environment) if r.state != "awaiting_approval"]
        if release is not None and not waiting:
            yield environment, release, Spec.model_validate(release.spec)


def watch_releases(
    session: Session,
    client: docker.DockerClient,
    settings: Settings,
    ring: Doorbell,
    host: int | None = None,
) -> list[int]:
    """Ask for the rollback of each new release that falls ill in its window; returns Run ids."""
    asked = []
    for environment, release, spec in serving(session, host):
        over = release.created_at + timedelta(seconds=window(spec))
        before = release_numbered(session, environment, release.number - 1)
        if now() > over or before is None or release.run.kind not in ("deploy",):
            continue
        cause = illness(client, place_of(settings, environment), release.run_id)
        if cause:
            run = request_run(
                session, ring, environment, "rollback",
                by=BY, release=before.number, automatic=f"release {release.number}: {cause}",
            )  # fmt: skip
            asked.append(run.id)
    return asked


def illness(client: docker.DockerClient, place: Place, generation: int) -> str:
    """What is wrong with what a release brought in; empty where nothing is."""
    for container in containers(client, place):
        labels = container.labels
        if (
            labels.get("portwright.generation") == str(generation)
            and "portwright.cron" not in labels
        ):
            cause = ailment(container.attrs)
            if cause:
                return f"{labels.get('portwright.service')}: {cause}"
    return ""


def look_for_drift(
    session: Session,
    client: docker.DockerClient,
    settings: Settings,
    ring: Doorbell,
    host: int | None = None,
) -> list[int]:
    """Ask for a drift Run where the host differs in a way that no newer Run has told; returns ids."""
    asked = []
    for environment, release, spec in serving(session, host):
        secrets = open_secrets(session, settings.key("vault-key"), environment.project_id, spec)
        applied = compile_spec(spec, settings.instance)
        findings = observe(client, place_of(settings, environment), applied, secrets)
        digest = digest_of(findings)
        if findings and digest not in told(session, environment, release):
            run = request_run(session, ring, environment, "drift", by=BY)
            run.options = {**run.options, "findings": digest}
            session.commit()
            asked.append(run.id)
    return asked


def told(session: Session, environment: Environment, release: Release) -> set[str]:
    """Digests of what drift Runs since this release were about."""
    query = select(Run).where(
        Run.environment_id == environment.id, Run.kind == "drift", Run.id > release.run_id
    )
    return {str((run.options or {}).get("findings")) for run in session.scalars(query)}


def digest_of(findings: tuple[Finding, ...]) -> str:
    return hashlib.sha256(repr(findings).encode()).hexdigest()[:16]
