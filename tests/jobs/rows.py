"""Rows that tests begin with."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs.models import Environment, Release, Run


def add_run(
    session: Session, environment: Environment, state: str = "queued", **more: object
) -> Run:
    run = Run(environment=environment, kind="deploy", state=state, requested_by="alice", **more)
    session.add(run)
    session.commit()
    return run


def add_release(session: Session, environment: Environment, number: int) -> Release:
    run = add_run(session, environment, "succeeded")
    release = Release(
        environment_id=environment.id, number=number, run_id=run.id, spec={}, commit="a" * 40
    )
    session.add(release)
    environment.release = number
    session.commit()
    return release
