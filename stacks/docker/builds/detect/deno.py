"""Deno: a task `start`, or main.ts."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import SAFE_PATH, Folder
from stacks.docker.builds.detect.model import Detected, Source

IMAGE = "denoland/deno:2"
PORT = 8000
# Deno.serve listens there, whatever port the program names.
ADDRESS = "DENO_SERVE_ADDRESS=tcp:0.0.0.0:$PORT"
TASK = re.compile(r"\"(start|build)\"\s*:\s*[\"{]")
ENTRIES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("main", "server", "mod", "index")
    for suffix in ("ts", "tsx", "js")
)


def marker(folder: Folder) -> str | None:
    """Return Deno's configuration or lock file."""
    return folder.first("deno.json", "deno.jsonc", "deno.lock")


def write(source: Source) -> Detected:
    """Write a Dockerfile whose image holds the modules, so that a start fetches nothing."""
    folder = source.folder
    # deno.json may have comments, which JSON does not: tasks are found by their names.
    text = folder.text("deno.json") or folder.text("deno.jsonc")
    tasks = set(TASK.findall(text))
    entry = folder.first(*ENTRIES)
    dockerfile = Dockerfile()
    dockerfile.stage(IMAGE)
    dockerfile.env(PORT=str(PORT))
    dockerfile.add("WORKDIR /app", "RUN chown deno:deno /app", "USER deno")
    config = folder.first("deno.json", "deno.jsonc")
    if config and "workspace" not in text:
        early = [config, *(name for name in ("deno.lock", "package.json") if folder.has(name))]
        dockerfile.add(f"COPY --chown=deno:deno {' '.join(early)} ./")
        dockerfile.run("deno install")
    dockerfile.add("COPY --chown=deno:deno . .")
    if entry and SAFE_PATH.fullmatch(entry):
        dockerfile.run(f"deno cache {entry}")
    if "build" in tasks:
        dockerfile.run("deno task build")
    notices: tuple[str, ...] = ()
    if source.process:
        dockerfile.cmd(shell(source.process))
    elif "start" in tasks:
        dockerfile.cmd(shell(f"{ADDRESS} exec deno task start"))
    elif entry:
        dockerfile.cmd(shell(f"{ADDRESS} exec deno run --allow-all {entry}"))
    else:
        notices = ("No start command was found. Add a `start` task, or set `command`.",)
    return Detected(dockerfile.text(), f"Deno: {marker(folder)}", notices, PORT)
