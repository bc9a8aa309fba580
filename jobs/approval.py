"""Which plans need somebody's word, and giving it. An approval is for one hash, and for no other plan."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs.context import Context
from jobs.models import Environment, Run
from jobs.records import record
from jobs.requests import Doorbell
from jobs.states import move
from stacks.errors import PortwrightError
from stacks.plan import Plan

POLICIES = ("auto", "destructive", "always")


def needs_approval(policy: str, made: Plan) -> bool:
    return policy == "always" or (policy == "destructive" and made.destructive)


def may_go(context: Context, made: Plan) -> bool:
    """True where this plan may be carried out; else the Run rests, or fails where it was
    asked for with another plan's hash."""
    run = context.run
    if run.expected_plan not in (None, made.hash):
        if (run.options or {}).get("bound"):
            raise PortwrightError(
                "the plan is no longer the one that was agreed to",
                remedy="read the plan of this run, then deploy it",
                path="plan",
            )
        context.log("the plan has changed since it was approved: it needs a new approval")
    elif (
        run.approved_by
        or (run.options or {}).get("automatic")
        or not needs_approval(context.environment.policy, made)
    ):
        return True
    context.log(f"waiting for approval (policy: {context.environment.policy})")
    context.move("awaiting_approval", expected_plan=None, approved_by=None)
    return False


def approve(session: Session, doorbell: Doorbell, run: Run, plan_hash: str, *, by: str) -> None:
    """Let a resting Run go on, if its plan is the one that was read.

    Raises PortwrightError where it rests no more or its plan is another one.
    """
    shown = (run.plan or {}).get("hash")
    if plan_hash != shown:
        raise PortwrightError(
            "the plan is not the one that you have read",
            remedy="read it as it is now, then approve it",
            path="plan",
        )
    if not move(
        session,
        run.id,
        "queued",
        origin="awaiting_approval",
        expected_plan=plan_hash,
        approved_by=by,
    ):
        raise resting_no_more(session, run)
    record(session, by, "run.approved", run.environment.project.name, run=run.id, plan=plan_hash)
    session.commit()
    doorbell(run.id)


def reject(session: Session, run: Run, *, by: str) -> None:
    """End a resting Run; raises PortwrightError where it rests no more."""
    error = {"path": "", "message": f"{by} said no to its plan", "remedy": "deploy another commit"}
    if not move(session, run.id, "cancelled", origin="awaiting_approval", error=error):
        raise resting_no_more(session, run)
    record(session, by, "run.rejected", run.environment.project.name, run=run.id)
    session.commit()


def resting_no_more(session: Session, run: Run) -> PortwrightError:
    session.refresh(run)
    return PortwrightError(
        f"run {run.id} does not wait for approval: it is {run.state}",
        remedy="look at the run",
        path="run",
    )


def set_policy(session: Session, environment: Environment, policy: str, *, by: str) -> None:
    """Raises PortwrightError for a policy that there is not."""
    if policy not in POLICIES:
        raise PortwrightError(
            f"{policy!r} is no policy", remedy=f"use one of {', '.join(POLICIES)}", path="policy"
        )
    environment.policy = policy
    record(
        session, by, "environment.policy", environment.project.name,
        environment=environment.name, policy=policy,
    )  # fmt: skip
    session.commit()
