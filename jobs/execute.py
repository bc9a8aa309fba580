"""One Run from claim to final state. Whatever happens in between, it ends with one."""

from __future__ import annotations

import traceback

from sqlalchemy import select, update

from jobs import apply, approval, repair
from jobs.claims import claim, ring_waiting
from jobs.context import Context
from jobs.database import session_factory
from jobs.log import RunLog
from jobs.models import Environment, Run
from jobs.prepare import check_host_access, check_routes, next_release, wanted_spec
from jobs.requests import record
from jobs.settings import Settings
from jobs.states import FINAL, move
from stacks.causes import why
from stacks.compile import compile_spec
from stacks.drift import drifted, observe
from stacks.errors import PortwrightError
from stacks.plan import Plan
from stacks.planner import Causes, make_plan
from stacks.spec import Spec, number
from stacks.world import find_volume


def execute(run_id: int) -> None:
    """What the doorbell's job calls. Ringing twice for one Run is harmless."""
    settings = Settings.from_environ()
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        if not claim(session, run_id):
            return
        run = session.get_one(Run, run_id)
        with RunLog(settings.run_log(run_id)) as log:
            end(Context(settings, session, run, log))
    ring_waiting(sessions, settings)


def recover() -> None:
    """End what dead workers held, then ring for what waits."""
    settings = Settings.from_environ()
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        repair.bury_dead_runs(session, settings)
    ring_waiting(sessions, settings)


def end(context: Context) -> None:
    """Run to a final state; a failure keeps its cause and remedy."""
    run, log = context.run, context.log
    log(f"run {run.id}: {run.kind} of {context.project.name}, asked for by {run.requested_by}")
    try:
        WORK[run.kind](context)
        if state_of(context) not in (*FINAL, "awaiting_approval"):
            raise RuntimeError(f"left in state {state_of(context)}")
    except PortwrightError as error:
        fail(context, error)
    except Exception as error:
        log("".join(traceback.format_exception(error)))
        fail(
            context,
            PortwrightError(
                f"Portwright itself failed: {type(error).__name__}: {error}",
                remedy="try again; if it stays, report it with this log",
            ),
        )
    log(f"run {run.id} {state_of(context)}")


def state_of(context: Context) -> str | None:
    """As the database has it now."""
    context.session.commit()
    return context.session.scalar(select(Run.state).where(Run.id == context.run.id))


def fail(context: Context, error: PortwrightError) -> None:
    context.session.rollback()
    told = {key: context.log.redact(text) for key, text in error.to_json().items()}
    move(context.session, context.run.id, "failed", error=told)
    context.log(
        f"failed: {told['path']}: {told['message']}"
        if told["path"]
        else f"failed: {told['message']}"
    )
    context.log(f"what to do: {told['remedy']}")


def plan(context: Context) -> tuple[Spec, Plan]:
    """Prepare and preview; the Plan is stored before anything else happens."""
    spec = wanted_spec(context)
    run = context.run
    check_host_access(context, spec)
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
    made = make_plan(seen.steps.values(), seen.same, before, resources, causes)
    run.spec, run.plan = spec.to_json(), made.to_json()
    context.session.commit()
    counts = ", ".join(
        f"{count} to {action}"
        for action, count in made.summary.items()
        if count and action != "same"
    )
    context.log(f"plan {made.hash[:12]}: {counts or 'nothing to do'}, {made.same} unchanged")
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
    doomed = [
        find_volume(context.docker, context.place, name)
        for name in context.run.options.get("volumes", [])
    ]
    context.move("planning")
    context.move("applying")
    context.secrets(context.current_spec)
    context.engine.destroy(context.log)
    repair.sweep_orphans(context)
    for volume in doomed:
        context.docker.volumes.get(volume).remove()
        context.log(f"deleted volume {volume}")
    context.session.execute(
        update(Environment).where(Environment.id == context.environment.id).values(release=None)
    )
    record(context.session, context.run.requested_by, "environment.destroyed", context.project.name)
    context.move("succeeded")


WORK = {
    "plan": run_plan,
    "deploy": run_deploy,
    "rollback": run_deploy,
    "drift": run_plan,
    "reconcile": run_deploy,
    "refresh": run_refresh,
    "destroy": run_destroy,
}
