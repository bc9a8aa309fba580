"""Applying a Spec: up, verify, record the Release; or put back what served."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from docker.errors import DockerException
from docker.models.containers import Container
from requests.exceptions import RequestException
from sqlalchemy import update

from jobs import lease, repair
from jobs.cleanup import prune_images
from jobs.context import Context
from jobs.ending import supersede
from jobs.guard import Interruption, cancelled
from jobs.models import Environment, Release, Run, now
from jobs.prepare import next_release
from jobs.previews.seeds import seed
from jobs.records import record
from stacks.compile import Resource, compile_spec
from stacks.errors import PortwrightError
from stacks.processes import kill_marked
from stacks.program import Hooks
from stacks.rollout import Rollout
from stacks.spec import Spec
from stacks.traffic import drain_hook, generation
from stacks.watch import Watch
from stacks.world import Casualty, casualties, containers, moment

# Seconds that what has no healthcheck is watched for after its start. Where an old container
# served, it went only after Resource.settle; what dies later is the rollback window's.
AT_LEAST = 1.0


def release(context: Context, spec: Spec) -> None:
    """Apply; on failure raises PortwrightError after the old release is back in place."""
    resources = compile_spec(spec, context.settings.instance)
    secrets = context.secrets(spec, context.current_spec)
    context.log("applying")
    watch = Watch(context.docker, context.place, context.run.id)
    rollout = Rollout(context.docker, context.place, resources, secrets, context.log)
    drain = drain_hook(context.traefik, resources, watch.check, context.log)
    try:
        with watch:
            if context.current_spec is None:
                repair.clear_ground(context)
            hooks = Hooks(rollout.before(), rollout.after(), drain)
            context.engine.up(resources, secrets, hooks, context.log)
            context.move("verifying")
            rollout.finish(context.run.id)
            verify(context, resources, watch)
            seed(context, spec)
        tidy(context, spec, resources)
        with context.guard.shield():  # once it is stored, nothing may put the old one back
            store(context, spec)
    except Exception as error:
        # Whatever it was: state and world must agree again before the Run ends.
        with context.guard.shield():
            diagnosed = context.guard.reason or (
                error
                if isinstance(error, Interruption)
                else diagnose(context, rollout.failure or error, watch.buried)
            )
            # A killed engine leaves its provider behind, which must do nothing more.
            kill_marked(context.guard.mark)
            repair.put_back(context)
        raise diagnosed from None


def tidy(context: Context, spec: Spec, resources: tuple[Resource, ...]) -> None:
    """Remove what no release has any more: containers, networks, images."""
    wanted = sum(resource.kind == "Container" for resource in resources)
    if len(containers(context.docker, context.place)) != wanted:
        orphans = repair.sweep_orphans(context)
        context.log(f"removed {len(orphans)} containers that nothing knew")
    repair.sweep_networks(context, resources)
    prune_images(context, spec)


def verify(context: Context, resources: tuple[Resource, ...], watch: Watch) -> None:
    """Every new container is still up, and every route of the release is live in Traefik."""
    mark = str(context.run.id)
    settle = {
        r.service: min(r.settle, AT_LEAST)
        for r in resources
        if r.settle and generation(r.args) == mark
    }
    time.sleep(still_to_settle(containers(context.docker, context.place), settle, now()))
    watch.check()
    for router in sorted({resource.router for resource in resources if resource.router}):
        context.traefik.wait(router)
    context.log("every route is live")


def still_to_settle(there: list[Container], settle: Mapping[str, float], at: datetime) -> float:
    """Seconds until each container of these services has run for as long as it is watched.

    settle: service → seconds. What was watched while the old one drained is not watched twice.
    """
    longest = 0.0
    for container in there:
        wanted = settle.get(container.labels.get("portwright.service", ""), 0.0)
        began = moment(container.attrs["State"].get("StartedAt") or "")
        longest = max(longest, wanted - max(0.0, (at - began).total_seconds()))
    return longest


def diagnose(context: Context, error: Exception, buried: list[Casualty]) -> Exception:
    """The containers' own story where they have one, with their last lines kept in the log."""
    try:
        found = [*buried, *casualties(context.docker, context.place, context.run.id)]
    except (DockerException, RequestException) as away:
        context.log(f"the containers could not be asked: {away}")
        found = buried
    for one in found:
        context.log(f"== the last lines of {one.service} ({one.name}) ==")
        for line in one.last_lines or ("(it said nothing)",):
            context.log(f"| {line}")
    if not found:
        return error
    first = found[0]
    said = next((line for line in reversed(first.last_lines) if line.strip()), "")
    serving = f"; release {context.current.number} still serves" if context.current else ""
    return PortwrightError(
        first.cause + (f"; the last it said: {said[:300]}" if said else ""),
        remedy="read its last lines in the log, correct the code, its variables or its healthcheck, "
        f"and deploy again{serving}",
        path=f"services.{first.service}",
    )


def store(context: Context, spec: Spec) -> None:
    """The Release, the environment's pointer to it and the Run's end, in one transaction."""
    run, session = context.run, context.session
    if not lease.holds(session, context.environment.id, context.guard.token):
        raise PortwrightError(
            "another worker has taken this run over", remedy="look at what it says", path="lease"
        )
    subject = "drift put right" if run.kind == "reconcile" else spec.subject
    number = next_release(context)
    session.add(
        Release(
            environment_id=context.environment.id,
            number=number,
            run_id=run.id,
            spec=spec.to_json(),
            commit=spec.commit,
            subject=subject,
            rollback_of=run.target,
        )
    )
    session.execute(
        update(Environment).where(Environment.id == context.environment.id).values(release=number)
    )
    mine = update(Run).where(Run.id == run.id, Run.cancelled_by.is_(None))
    if not session.execute(mine.values(release=number)).rowcount:  # type: ignore[attr-defined]
        session.rollback()
        raise cancelled(context.session.get_one(Run, run.id).cancelled_by)
    record(session, run.requested_by, "release.made", context.project.name, number=number)
    supersede(session, run, ("awaiting_approval",))
    context.log(f"release {number} serves")
    context.move("succeeded")
