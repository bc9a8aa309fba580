"""Builders that are installed on the host: Nixpacks and Railpack write what BuildKit then builds.

They read a copy of the checkout, without links out of it, and get neither the platform's
environment nor a Docker daemon. `pack` cannot work without a daemon and is refused (docs/decisions/0008).
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Timer
from typing import Any

from stacks.errors import PortwrightError
from stacks.names import ENV_NAME

SECONDS = 300.0
MAX_OUTPUT = 16 * 1024
MAX_FILE = 4 * 1024 * 1024
MAX_WRITTEN = 512 * 1024 * 1024
VERSION = re.compile(r"\b([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})\b")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^\n -~]")
RAILPACK_FRONTEND = "ghcr.io/railwayapp/railpack-frontend"
PLAN_NAME = "railpack-plan.json"
# Older versions let the repository's mise.toml run commands on the host.
RAILPACK_LEAST = (0, 36, 1)
WITHOUT_DAEMON = "pack runs its build containers through the host's Docker daemon"
PACK_REMEDY = "Use builder: railpack or nixpacks, or commit a Dockerfile."


@dataclass(frozen=True)
class Prepared:
    """What BuildKit needs.

    frontend: an image for the frontend `gateway.v0`; None: the built-in Dockerfile frontend.
    definition: the Dockerfile, or the plan for the frontend; its folder is the mount `dockerfile`.
    """

    version: str
    context: Path
    definition: Path
    frontend: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)


def nixpacks(context: Path, work: Path, args: Mapping[str, str]) -> Prepared:
    """Return a Dockerfile by Nixpacks.

    context: a folder of the checkout; work: an empty folder that lives as long as the build.
    args: `build.args`, which become variables of the image. Raises PortwrightError.
    """
    version = _version("nixpacks")
    copied = copy_context(context, work / "context")
    settings = _settings(args)
    plan = _run(["nixpacks", "plan", ".", "--format", "json", *settings], copied, work)
    variables = plan_variables(plan)
    # The default key is the random folder: no cache would ever be found again.
    key = ["--cache-key", "portwright"]
    _run(["nixpacks", "build", ".", "--out", ".", *key, *settings], copied, work)
    definition = _written(copied / ".nixpacks" / "Dockerfile", copied, "nixpacks")
    return Prepared(_text(version), copied, definition, build_args=variables)


def railpack(context: Path, work: Path, args: Mapping[str, str]) -> Prepared:
    """Return a plan by Railpack, and the frontend image of the same version that builds it.

    The parameters are those of `nixpacks`.
    """
    version = _version("railpack")
    if version < RAILPACK_LEAST:
        raise PortwrightError(
            f"Railpack {_text(version)} lets a repository run commands on the host",
            remedy=f"Install Railpack {_text(RAILPACK_LEAST)} or later on the host.",
            path="build.builder",
        )
    copied = copy_context(context, work / "context")
    plans = work / "plan"
    plans.mkdir()
    definition = plans / PLAN_NAME
    outputs = ["--plan-out", str(definition), "--info-out", str(work / "info.json")]
    _run(
        ["railpack", "prepare", ".", "--hide-pretty-plan", *outputs, *_settings(args)], copied, work
    )
    _written(definition, plans, "railpack")
    frontend = f"{RAILPACK_FRONTEND}:v{_text(version)}"
    return Prepared(_text(version), copied, definition, frontend)


def pack(context: Path, work: Path, args: Mapping[str, str]) -> Prepared:
    """Refuse `pack`.

    Its build containers are started by a daemon, also with `--publish`. Through the host's daemon
    a build would see the host's images and, in untrusted builders, its socket.
    """
    raise PortwrightError(WITHOUT_DAEMON, remedy=PACK_REMEDY, path="build.builder")


BUILDERS = {"nixpacks": nixpacks, "railpack": railpack, "pack": pack}


def copy_context(context: Path, target: Path) -> Path:
    """Copy the context; raises PortwrightError for a link that leads out of it.

    The builders follow links, and what they read ends up in the image and in error messages.
    """
    root = context.resolve()
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            if path.is_symlink() and not _stays_inside(path, root):
                raise PortwrightError(
                    f"The link {str(path.relative_to(root))!r} leads out of the build context",
                    remedy="Remove the link, or commit a Dockerfile instead of using a builder.",
                    path="build.context",
                )
    shutil.copytree(root, target, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    return target


def _stays_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def plan_variables(plan: str) -> dict[str, str]:
    """Return the variables of a Nixpacks plan, which its Dockerfile takes as build arguments.

    nixpacks.toml may set them: names that steer BuildKit itself are refused.
    """
    try:
        content: Any = json.loads(plan)
        variables = content.get("variables") or {}
        pairs = [(str(name), str(value)) for name, value in variables.items()]
    except (ValueError, AttributeError, RecursionError):
        raise PortwrightError(
            "Nixpacks wrote a plan that is not valid JSON",
            remedy="Check the version of Nixpacks on the host.",
            path="build.builder",
        ) from None
    for name, _ in pairs:
        if not ENV_NAME.fullmatch(name) or name.upper().startswith("BUILDKIT_"):
            raise PortwrightError(
                f"Nixpacks must not set the variable {name[:60]!r}",
                remedy="Remove it from nixpacks.toml.",
                path="build.builder",
            )
    return dict(pairs)


def _settings(args: Mapping[str, str]) -> list[str]:
    return [word for name, value in sorted(args.items()) for word in ("--env", f"{name}={value}")]


def _version(program: str) -> tuple[int, int, int]:
    path = shutil.which(program)
    if not path:
        raise PortwrightError(
            f"{program} is not installed on the host that builds",
            remedy=f"Install {program} there, or remove `builder`.",
            path="build.builder",
        )
    answer = subprocess.run([path, "--version"], capture_output=True, timeout=30, env=_environ("/"))
    found = VERSION.search(answer.stdout.decode(errors="replace"))
    if not found:
        raise PortwrightError(
            f"{program} --version does not print a version",
            remedy=f"Install a release of {program} on the host.",
            path="build.builder",
        )
    return int(found[1]), int(found[2]), int(found[3])


def _text(version: tuple[int, int, int]) -> str:
    return ".".join(str(number) for number in version)


def _environ(home: str) -> dict[str, str]:
    """Return all that a builder gets of the environment: no token, no Docker address."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "NO_COLOR": "1"}


def _run(argv: list[str], folder: Path, work: Path) -> str:
    """Run a builder in the copied context; returns its standard output, at most MAX_FILE."""
    home = work / "home"
    home.mkdir(exist_ok=True)
    errors = work / "errors"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=_environ(str(home)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MAX_WRITTEN, MAX_WRITTEN))
        late = Event()
        timer = Timer(SECONDS, _end_late, [process.pid, late])
        timer.start()
        try:
            assert process.stdout is not None
            output = process.stdout.read(MAX_FILE)
            process.stdout.close()
            status = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                _kill_group(process.pid)
                process.wait()
    if status:
        reason = f"did not finish within {SECONDS:.0f} seconds" if late.is_set() else ""
        raise PortwrightError(
            f"{argv[0]} {reason or 'failed: ' + _first_words(errors, output)}",
            remedy="Correct the project, set `builder` to another one, or commit a Dockerfile.",
            path="build.builder",
        )
    return output.decode(errors="replace")


def _end_late(pid: int, late: Event) -> None:
    late.set()
    _kill_group(pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _first_words(errors: Path, output: bytes) -> str:
    with errors.open("rb") as file:
        said = file.read(MAX_OUTPUT) or output[-MAX_OUTPUT:]
    lines = [line.strip() for line in ANSI.sub("", said.decode(errors="replace")).splitlines()]
    return next((line for line in lines if line), "no message")[:300]


def _written(path: Path, root: Path, program: str) -> Path:
    """Return a file that a builder wrote; raises PortwrightError for a link or a huge file."""
    plain = path.is_file() and path.resolve() == root.resolve() / path.relative_to(root)
    if plain and path.stat().st_size <= MAX_FILE:
        return path
    raise PortwrightError(
        f"{program} did not write a usable {path.name}",
        remedy=f"Check the version of {program} on the host.",
        path="build.builder",
    )
