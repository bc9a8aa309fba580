"""After a failure: state and world agree again, and what served before serves still."""

from __future__ import annotations

import socket
from dataclasses import replace

from docker.errors import APIError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.context import Context
from jobs.log import RunLog
from jobs.models import Run
from jobs.settings import Settings
from jobs.states import ACTIVE, move, worker_name
from stacks.compile import Resource, compile_spec
from stacks.errors import PortwrightError
from stacks.locks import alive
from stacks.program import Hooks
from stacks.rollout import Rollout
from stacks.traffic import drain_hook
from stacks.world import sweep


def put_back(context: Context) -> None:
    """Apply the release that served; where there was none, leave nothing but volumes."""
    try:
        if context.current_spec is None:
            context.log("taking down what was half made")
            context.engine.destroy(context.log)
        else:
            context.log(f"putting release {context.environment.release} back in full")
            # Its release commands ran when it was deployed.
            resources = tuple(
                replace(resource, release=())
                for resource in compile_spec(context.current_spec, context.settings.instance)
            )
            secrets = context.secrets(context.current_spec)
            drain = drain_hook(context.traefik, resources, lambda: None, context.log)
            rollout = Rollout(context.docker, context.place, resources, secrets, context.log)
            hooks = Hooks(rollout.before(), rollout.after(), drain)
            context.engine.up(resources, secrets, hooks, context.log)
        sweep_orphans(context)
    except Exception as error:
        # The Run must still end with its own cause; the next deploy starts from the real state.
        context.log(f"putting back failed too: {type(error).__name__}: {error}")
        context.log("what to do: deploy a good commit, or refresh and look at the plan")


def sweep_orphans(context: Context) -> list[str]:
    """Remove our containers that the engine's state does not hold; returns their names."""
    return sweep(context.docker, context.place, context.engine.resource_ids())


def sweep_networks(context: Context, resources: tuple[Resource, ...]) -> None:
    """Remove our networks that the release does not have and nothing is connected to."""
    known = {resource.name for resource in resources if resource.kind == "Network"}
    for network in context.docker.networks.list(filters=context.place.filters):
        if network.name not in known:
            try:
                network.remove()
                context.log(f"removed network {network.name}, which no release has")
            except APIError as error:
                context.log(f"network {network.name} can't be removed: {error.explanation}")


def dead_runs(session: Session) -> list[Run]:
    """Active Runs whose worker, named as host:pid, was on this host and is gone."""
    found = []
    for run in session.scalars(select(Run).where(Run.state.in_(ACTIVE))):
        host, _, pid = (run.worker or "").rpartition(":")
        if host == socket.gethostname() and pid.isdigit() and not alive(int(pid)):
            found.append(run)
    return found


def bury_dead_runs(session: Session, settings: Settings) -> list[int]:
    """End the Runs whose worker died, and put their environments right; returns their ids.

    What dead_runs finds is put right here; safe to call at any time.
    """
    buried = []
    for run in dead_runs(session):
        if not take_over(session, run):
            continue
        with RunLog(settings.run_log(run.id)) as log:
            was = run.state
            log(f"its worker died while it was {was}")
            context = Context(settings, session, run, log)
            if was in ("applying", "verifying"):
                clear_pending(context)
                put_back(context)
            error = {
                "path": "",
                "message": f"its worker died while it was {was}",
                "remedy": "ask for it again; what served before serves still",
            }
            if move(session, run.id, "failed", error=error):
                buried.append(run.id)
    return buried


def take_over(session: Session, run: Run) -> bool:
    """Become the Run's worker; False where another was first."""
    taken = session.execute(
        update(Run)
        .where(Run.id == run.id, Run.worker == run.worker, Run.state.in_(ACTIVE))
        .values(worker=worker_name())
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def clear_pending(context: Context) -> None:
    try:
        context.engine.refresh(context.log)
    except PortwrightError as error:
        context.log(f"the state could not be refreshed: {error}")
