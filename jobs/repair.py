"""After a failure: state and world agree again, and what served before serves still."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.context import Context
from jobs.log import RunLog
from jobs.models import Run
from jobs.settings import Settings
from jobs.states import ACTIVE, move
from stacks.compile import compile_spec
from stacks.errors import PortwrightError
from stacks.locks import alive
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
            resources = compile_spec(context.current_spec, context.settings.instance)
            drain = drain_hook(context.traefik, resources, lambda: None, context.log)
            secrets = context.secrets(context.current_spec)
            context.engine.up(resources, secrets, drain, context.log)
        sweep_orphans(context)
    except PortwrightError as error:
        context.log(f"putting back failed too: {error}")
        context.log(f"what to do: {error.remedy}")


def sweep_orphans(context: Context) -> list[str]:
    """Remove our containers that the engine's state does not hold; returns their names."""
    return sweep(context.docker, context.place, context.engine.resource_ids())


def bury_dead_runs(session: Session, settings: Settings) -> list[int]:
    """End the Runs whose worker died, and put their environments right; returns their ids.

    A Run names its worker as host:pid. Called when a worker starts on this host.
    """
    buried = []
    for run in session.scalars(select(Run).where(Run.state.in_(ACTIVE))).all():
        host, _, pid = (run.worker or "").rpartition(":")
        if not pid.isdigit() or alive(int(pid)):
            continue
        with RunLog(settings.run_log(run.id)) as log:
            was = run.state
            log(f"the worker ({host}, process {pid}) died while {was}")
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


def clear_pending(context: Context) -> None:
    try:
        context.engine.refresh(context.log)
    except PortwrightError as error:
        context.log(f"the state could not be refreshed: {error}")
