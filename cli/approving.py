"""`portwright approve`, `reject` and `cancel`: the answer to a plan that a run waits with, or no."""

from __future__ import annotations

import click

from cli.client import connect
from cli.deploying import carry_out
from cli.errors import Failure
from cli.follow import RESTING, follow
from cli.plan_text import show_plan
from cli.show import line


@click.command()
@click.argument("run", type=click.IntRange(1))
@click.option("--plan", "agreed", metavar="HASH", help="Approve only this plan, without asking.")
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def approve(run: int, agreed: str | None, no_follow: bool) -> None:
    """Show the plan that RUN waits with, and let it go on after a yes."""
    client = connect()
    found = client.json("GET", f"/api/runs/{run}")["run"]
    if found["state"] != RESTING:
        raise Failure(f"run {run} does not wait for approval: it is {found['state']}", "look at it")
    if agreed is None:
        show_plan(found["plan"])
        if not click.confirm("Carry this out?"):
            raise Failure("nothing was changed", f"portwright reject {run} ends the run")
        agreed = found["plan"]["hash"]
    answer = client.json("POST", f"/api/runs/{run}/approve", json={"plan": agreed})
    carry_out(client, answer["run"], not no_follow)


@click.command()
@click.argument("run", type=click.IntRange(1))
def reject(run: int) -> None:
    """Say no to the plan that RUN waits with; nothing is changed."""
    connect().json("POST", f"/api/runs/{run}/reject", json={})
    line(f"Run {run} is cancelled.")


@click.command()
@click.argument("run", type=click.IntRange(1))
def cancel(run: int) -> None:
    """End RUN, wherever it is; what served before goes on serving."""
    client = connect()
    answer = client.json("POST", f"/api/runs/{run}/cancel", json={})
    ended = answer["run"]
    if ended["state"] != "cancelled":
        ended = follow(client, run)
    line(f"Run {run} is {ended['state']}.")
