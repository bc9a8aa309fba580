"""`portwright plan`, `deploy`, `rollback` and `destroy`: what asks for a run."""

from __future__ import annotations

from typing import Any

import click

from cli.client import Client, connect, project_path
from cli.errors import Failure
from cli.follow import follow, print_end, print_log
from cli.plan_text import show_plan
from cli.show import as_json, line

CHANGES = 2
environment_option = click.option(
    "--environment", "-e", metavar="NAME", help="Another environment than production."
)

pull_option = click.option(
    "--pull", is_flag=True, help="Check registries for newer images, including base images."
)
no_cache_option = click.option(
    "--no-cache", is_flag=True, help="Build every step again, without the build cache."
)


def ask(client: Client, project: str, kind: str, **fields: Any) -> dict[str, Any]:
    """Ask for a run; fields without a value are left out."""
    body = {"kind": kind, **{key: value for key, value in fields.items() if value}}
    return dict(client.json("POST", project_path(project, "runs"), json=body)["run"])


def carry_out(client: Client, run: dict[str, Any], watch: bool) -> None:
    """Show the log of a run until it ends, unless told not to wait."""
    line(f"{run['kind']} {run['id']} of {run['project']}  ", (client.url + run["url"], "dim"))
    if watch:
        print_end(follow(client, run["id"], print_log))


@click.command()
@click.argument("project")
@environment_option
@click.option("--ref", help="Branch, tag or commit; the project's branch unless given.")
@click.option("--release", type=click.IntRange(1), help="Preview the rollback to this release.")
@pull_option
@no_cache_option
@click.option("--markdown", is_flag=True, help="Print it for a pull request.")
@click.option("--exit-code", is_flag=True, help="End with 2 when something would change.")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def plan(
    project: str,
    environment: str | None,
    markdown: bool,
    ref: str | None,
    release: int | None,
    pull: bool,
    no_cache: bool,
    exit_code: bool,
    plain: bool,
) -> None:
    """Show what a deploy of PROJECT would change; nothing is changed."""
    if ref and release:
        raise click.UsageError("--ref and --release exclude each other.")
    if release and (pull or no_cache):
        raise click.UsageError("A rollback uses the images of its release.")
    client = connect()
    asked = ask(
        client, project, "plan",
        ref=ref, release=release, environment=environment, pull=pull, no_cache=no_cache,
    )  # fmt: skip
    if not plain and not markdown:
        line((f"planning: {client.url}{asked['url']}", "dim"), error=True)
    run = follow(client, asked["id"])
    if run["state"] != "succeeded":
        return print_end(run)
    found = run.get("plan")
    if not found:
        raise Failure(f"run {run['id']} succeeded without a plan", "look at its log")
    if plain:
        as_json(found)
    elif markdown:
        print(client.text(f"/api/runs/{run['id']}/plan.md"), end="")
    else:
        commit = f" at {run['commit'][:7]}" if run.get("commit") else ""
        line((f"{project}{commit}  ", "bold"), str(run.get("subject") or ""), "\n")
        show_plan(found)
        if not found["empty"]:
            how = f"rollback {project} {release}" if release else f"deploy {project}"
            exact = "" if release else f" --ref {run['commit'] or ref}"
            exact += f" --environment {environment}" if environment else ""
            exact += " --pull" if pull else ""
            exact += " --no-cache" if no_cache else ""
            line((f"To do just this: portwright {how}{exact} --plan {found['hash']}", "dim"))
    if exit_code and not found["empty"]:
        raise SystemExit(CHANGES)


@click.command()
@click.argument("project")
@environment_option
@click.option("--ref", help="Branch, tag or commit; the project's branch unless given.")
@pull_option
@no_cache_option
@click.option("--plan", "agreed", metavar="HASH", help="Refuse any other plan than this one.")
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def deploy(
    project: str,
    environment: str | None,
    ref: str | None,
    pull: bool,
    no_cache: bool,
    agreed: str | None,
    no_follow: bool,
) -> None:
    """Deploy PROJECT and show the log; exit code 1 when it fails."""
    client = connect()
    asked = ask(
        client, project, "deploy",
        ref=ref, plan=agreed, environment=environment, pull=pull, no_cache=no_cache,
    )  # fmt: skip
    carry_out(client, asked, not no_follow)


@click.command()
@click.argument("project")
@environment_option
@click.argument("release", type=click.IntRange(1))
@click.option("--plan", "agreed", metavar="HASH", help="Refuse any other plan than this one.")
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def rollback(
    project: str, environment: str | None, release: int, agreed: str | None, no_follow: bool
) -> None:
    """Go back to a RELEASE of PROJECT, as a whole."""
    client = connect()
    asked = ask(client, project, "rollback", release=release, plan=agreed, environment=environment)
    carry_out(client, asked, not no_follow)


@click.command()
@click.argument("project")
@environment_option
@click.option(
    "--volume",
    "volumes",
    multiple=True,
    metavar="SERVICE-VOLUME",
    help="Delete this volume and its data too.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--no-follow", is_flag=True, help="Don't wait for the end.")
def destroy(
    project: str, environment: str | None, volumes: tuple[str, ...], yes: bool, no_follow: bool
) -> None:
    """Remove every container and network of PROJECT; volumes only where named."""
    client = connect()
    if not yes:
        loss = f", with the data of {', '.join(volumes)}" if volumes else "; its volumes stay"
        line(f"This removes every container and network of {project}{loss}.")
        if click.prompt(f"Type {project} to go on", default="", show_default=False) != project:
            raise Failure("that is not the project's name", "nothing was removed; try again")
    asked = ask(client, project, "destroy", volumes=list(volumes), environment=environment)
    carry_out(client, asked, not no_follow)


@click.command()
@click.argument("project")
@environment_option
@click.option("--reconcile", is_flag=True, help="Put right what differs.")
@click.option("--exit-code", is_flag=True, help="End with 2 when something differs.")
@click.option("--json", "plain", is_flag=True, help="Print JSON.")
def drift(
    project: str, environment: str | None, reconcile: bool, exit_code: bool, plain: bool
) -> None:
    """Compare the host with the release of PROJECT that serves."""
    client = connect()
    run = follow(client, ask(client, project, "drift", environment=environment)["id"])
    if run["state"] != "succeeded":
        return print_end(run)
    found = run["plan"]
    if plain:
        as_json(found)
    elif found["empty"]:
        line("The host is as the release says.")
    else:
        show_plan(found)
    if reconcile and not found["empty"]:
        asked = ask(client, project, "reconcile", plan=found["hash"], environment=environment)
        return carry_out(client, asked, True)
    if exit_code and not found["empty"]:
        raise SystemExit(CHANGES)
