"""One Run from claim to final state. Whatever happens in between, it ends with one."""

from __future__ import annotations

import errno
import traceback

from docker.errors import DockerException
from requests.exceptions import RequestException
from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from jobs import apply, approval, ballast, repair
from jobs.claims import claim_next, claimable
from jobs.context import Context
from jobs.database import session_factory
from jobs.deletion import finish_deletion
from jobs.doorbell import doorbell
from jobs.guard import Guard, Interruption
from jobs.hosts import reach
from jobs.log import RunLog
from jobs.models import Environment, Run
from jobs.prepare import check_host_access, check_published, check_routes, next_release, wanted_spec
from jobs.previews import seeds
from jobs.previews.ends import compare, finish_preview
from jobs.records import record
from jobs.settings import Settings
from jobs.states import FINAL
from stacks.causes import why
from stacks.compile import compile_spec
from stacks.docker.builds.buildkit import ConnectionLost
from stacks.drift import drifted, observe
from stacks.engine import EngineFailure
from stacks.errors import PortwrightError
from stacks.plan import Plan
from stacks.planner import Causes, make_plan
from stacks.render import notices
from stacks.spec import Spec, number
from stacks.world import find_volume, volumes


def execute(run_id: int = 0) -> None:
    """What the doorbell's job calls: takes the Run that is next, whichever it is.

    run_id: which one rang; only told in the queue's own records. Ringing twice, or for
    nothing, is harmless.
    """
    settings = Settings.from_environ()
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        run = claim_next(session, settings)
        if run is None:
            return
        with RunLog(settings.run_log(run.id)) as log, Guard(settings, sessions, run) as guard:
            context = Context(settings, session, run, log, guard)
            end(context)
            compare(context)
    ring_waiting(sessions, settings)


def ring_waiting(sessions: sessionmaker[Session], settings: Settings) -> None:
    """Wake a worker for each Run that may go now."""
    with sessions() as session:
        runs = [run.id for run in claimable(session, settings)]
    ring = doorbell(settings.redis_url)
    for run_id in runs:
        ring(run_id)


def end(context: Context) -> None:
    """Run to a final state, or to rest; a failure keeps its cause and remedy."""
    run, log, guard = context.run, context.log, context.guard
    again = f", attempt {run.attempts}" if run.attempts > 1 else ""
    log(
        f"run {run.id}: {run.kind} of {context.project.name}, asked for by {run.requested_by}{again}"
    )
    try:
        WORK[run.kind](context)
        if state_of(context) not in (*FINAL, "awaiting_approval"):
            raise RuntimeError(f"left in state {state_of(context)}")
    except Exception as error:
        guard.heard = True
        told = guard.reason or lost(context, error) or error
        if isinstance(told, PortwrightError):
            fail(context, told)
        else:
            log("".join(traceback.format_exception(told)))
            fail(context, in_words(told, context.settings))
    log(f"run {run.id} {state_of(context)}")


def lost(context: Context, error: Exception) -> PortwrightError | None:
    """Of a failure whose cause may be the way to another machine: what is wrong with that; None
    where nothing is known to be."""
    host = context.project.host
    engines = isinstance(
        error, EngineFailure | ConnectionLost | DockerException | RequestException | OSError
    )
    if host is None or not reach.is_remote(host) or not engines:
        return None
    try:
        reach.connect_to(context.settings, host).close()
    except PortwrightError as cause:
        return cause
    if isinstance(error, EngineFailure) and "engine.sock" not in error.message:
        return None
    return PortwrightError(
        f"the connection to host {host.name} was lost; it is there again",
        remedy="ask for it again",
        path="host",
    )


def in_words(error: Exception, settings: Settings) -> PortwrightError:
    """What broke that is nobody's mistake: the host's, or ours."""
    no_room = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if no_room or (isinstance(error, OperationalError) and ballast.was_dropped(settings)):
        return PortwrightError(
            "the disk is full", remedy="make room on the host, then ask for it again"
        )
    if isinstance(error, OperationalError | InterfaceError):
        return PortwrightError(
            "the database did not answer", remedy="see that it runs, then ask for it again"
        )
    if isinstance(error, DockerException | RequestException):
        return PortwrightError(
            "the Docker engine did not answer", remedy="see that it runs, then ask for it again"
        )
    return PortwrightError(
        f"Portwright itself failed: {type(error).__name__}: {error}",
        remedy="try again; if it stays, report it with this log",
    )


def state_of(context: Context) -> str | None:
    """As the database has it now."""

    def ask() -> str | None:
        context.session.commit()
        return context.session.scalar(select(Run.state).where(Run.id == context.run.id))

    return context.persistently(ask)


def fail(context: Context, error: PortwrightError) -> None:
    """End as failed, or as the interruption wants it: cancelled, or queued again."""
    context.session.rollback()
    to = error.to if isinstance(error, Interruption) else "failed"
    told = {key: context.log.redact(text) for key, text in error.to_json().items()}
    where = f"{told['path']}: " if told["path"] else ""
    context.log(f"{to}: {where}{told['message']}")
    context.log(f"what to do: {told['remedy']}")
    if to == "queued":  # handed over, which is no attempt that went wrong
        context.move(to, attempts=Run.attempts - 1)
    else:
        context.move(to, error=told)


def plan(context: Context) -> tuple[Spec, Plan]:
    """Prepare and preview; the Plan is stored before anything else happens."""
    if reach.is_remote(context.project.host):
        context.ping()  # a host that is away is told before anything is read or built
    spec = wanted_spec(context)
    run = context.run
    check_host_access(context, spec)
    check_published(context, spec)
    check_routes(context, spec)
    context.move("planning")
    context.log("planning")
    current = context.current_spec
    secrets = context.secrets(spec, current)
    before = compile_spec(current, context.settings.instance) if current else ()
    findings = observe(context.docker, context.place, before, secrets)
    for finding in findings:
        context.log(f"{finding.type} {finding.name}: {finding.words}")
    if any(finding.what == "gone" for finding in findings):
        context.engine.refresh(context.log)  # what is gone must leave the engine's state
    spec = number(
        spec,
        current,
        release=next_release(context),
        generation=run.id,
        drifted=drifted(findings, before),
    )
    resources = compile_spec(spec, context.settings.instance)
    seen = context.engine.preview(resources, secrets)
    services, general = why(current, spec, run.target)
    causes = Causes(services, findings, general)
    made = make_plan(
        seen.steps.values(),
        seen.same,
        before,
        resources,
        causes,
        context.unchecked,
        {name: each.dockerfile for name, each in spec.services.items() if each.dockerfile},
    )
    run.spec, run.plan = spec.to_json(), made.to_json()
    context.session.commit()
    counts = ", ".join(
        f"{count} to {action}"
        for action, count in made.summary.items()
        if count and action != "same"
    )
    context.log(f"plan {made.hash[:12]}: {counts or 'nothing to do'}, {made.same} unchanged")
    for notice in notices(run.plan):
        context.log(notice)
    return spec, made


def run_plan(context: Context) -> None:
    plan(context)
    context.move("succeeded")


def run_deploy(context: Context) -> None:
    """Plan, then apply, or rest until somebody agrees; an empty plan makes no release."""
    spec, made = plan(context)
    if made.empty and context.current is not None:
        context.log("nothing would change: the release that serves is what was asked for")
        context.move("succeeded", release=context.current.number)
        return
    if not approval.may_go(context, made):
        return
    context.move("applying")
    apply.release(context, spec)


def run_refresh(context: Context) -> None:
    context.move("planning")
    context.move("applying")
    context.engine.refresh(context.log)
    context.move("succeeded")


def run_destroy(context: Context) -> None:
    """Delete everything of the environment but its volumes, and the volumes that were named."""
    options = context.run.options or {}
    named = [find_volume(context.docker, context.place, name) for name in options["volumes"]]
    doomed = volumes(context.docker, context.place) if options.get("every_volume") else named
    context.move("planning")
    context.move("applying")
    context.secrets(context.current_spec)
    repair.take_down(context)
    for volume in doomed:
        context.docker.volumes.get(volume).remove()
        context.log(f"deleted volume {volume}")
    context.session.execute(
        update(Environment).where(Environment.id == context.environment.id).values(release=None)
    )
    record(context.session, context.run.requested_by, "environment.destroyed", context.project.name)
    finish_deletion(context)
    finish_preview(context)
    context.move("succeeded")


WORK = {
    "plan": run_plan,
    "deploy": run_deploy,
    "rollback": run_deploy,
    "drift": run_plan,
    "reconcile": run_deploy,
    "refresh": run_refresh,
    "destroy": run_destroy,
    "snapshot": seeds.take,
}
