"""Commands in containers of an environment: what fills a new preview's data, and snapshots of what
a database holds, which such a command may read."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import IO

from docker.models.containers import Container

from jobs.context import Context
from jobs.models import Project
from jobs.previews.prepare import preview_of
from jobs.settings import Settings
from stacks.docker.images.engine import environment
from stacks.errors import PortwrightError
from stacks.names import check_name
from stacks.spec import Seed, Spec
from stacks.world import containers

LAST = 20


def seed(context: Context, spec: Spec) -> None:
    """Run the seed commands of a preview that has none behind it; raises PortwrightError."""
    preview = preview_of(context)
    if preview is None or preview.seeded or not spec.seeds:
        return
    for index, each in enumerate(spec.seeds):
        context.log(f"seeding {each.service}" + (f" from {each.snapshot}" if each.snapshot else ""))
        path = f"previews.seed.{index}"
        source = snapshot_path(context.settings, context.project, each.snapshot)
        if source is not None and not source.exists():
            raise PortwrightError(
                f"there is no snapshot {each.snapshot!r}",
                remedy=f"portwright snapshots take {context.project.name} {each.snapshot}",
                path=f"{path}.snapshot",
            )
        with open(source or os.devnull, "rb") as given:
            run_in(context, each.service, each.command, path, stdin=given)
    preview.seeded = True
    context.session.commit()


def snapshot_path(settings: Settings, project: Project, name: str | None) -> Path | None:
    if name is None:
        return None
    return settings.home / "snapshots" / project.name / check_name("snapshot", name)


def take(context: Context) -> None:
    """The Run of kind `snapshot`: keep what a command in a service's container prints."""
    wanted = Seed.model_validate((context.run.options or {})["snapshot"])
    target = snapshot_path(context.settings, context.project, wanted.snapshot)
    assert target is not None
    context.move("planning")
    context.move("applying")
    context.secrets(context.current_spec)  # the log hides them
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = target.with_name(f".{target.name}.{context.run.id}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            run_in(context, wanted.service, wanted.command, "command", stdout=out)
        size = partial.stat().st_size
        if not size:
            raise PortwrightError(
                "the command printed nothing",
                remedy="give one that prints a dump, such as pg_dump",
                path="command",
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    context.log(f"snapshot {wanted.snapshot} is there: {size} bytes")
    context.move("succeeded")


def run_in(
    context: Context,
    service: str,
    command: list[str],
    path: str,
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> None:
    """Run a command in a service's container; what it says goes to the log.

    Raises PortwrightError where the service does not run or the command fails.
    """
    container = container_of(context, service, path)
    argv = ["docker", "exec", "--interactive", str(container.id), *command]
    with subprocess.Popen(
        argv,
        env={**os.environ, **environment(context.docker_address)},
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE if stdout else subprocess.STDOUT,
    ) as process:
        said = process.stderr if stdout else process.stdout
        assert said is not None
        lines: list[str] = []
        for raw in said:
            lines = [*lines, raw.decode(errors="replace").rstrip()][-LAST:]
            context.log(f"| {lines[-1]}")
    if process.returncode:
        last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        raise PortwrightError(
            f"the command ended with exit code {process.returncode}; the last it said: {last[:300]}",
            remedy="correct the command; it is run again with the next commit",
            path=path,
        )


def container_of(context: Context, service: str, path: str) -> Container:
    for each in containers(context.docker, context.place):
        labels = each.labels
        if labels.get("portwright.service") == service and each.attrs["State"].get("Running"):
            return each
    raise PortwrightError(
        f"no container of {service!r} runs in {context.environment.name}",
        remedy="deploy it first, or name another service",
        path=f"{path}.service" if "." in path else "service",
    )


SAFE = re.compile(r"[^\x00]{1,4000}")


def check_command(command: list[str]) -> list[str]:
    """Arguments as they are given to the container; raises PortwrightError."""
    if not 1 <= len(command) <= 100 or not all(SAFE.fullmatch(part) for part in command):
        raise PortwrightError(
            "the command can't be used", remedy="give 1 to 100 arguments", path="command"
        )
    return command
