"""`./quickstart`: this machine becomes a Portwright host with the sample deployed.

    ./quickstart          bring everything up; run again, it changes nothing
    ./quickstart stop     stop what it started; data and images stay
    ./quickstart status   what runs
    ./quickstart upgrade  in a new version's folder: it takes over from the one that runs
    ./quickstart restore  REPOSITORY --password-file FILE: a new machine, from a backup

The settings are environment variables: see docs/architecture.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

from jobs.settings import Settings
from provision import stopping, summary
from provision.environment import environment
from provision.steps import Runner, Step
from stacks.errors import explained

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BRANCH = "main"
SAMPLE_IMAGES = ("python", "postgres")


def module(*argv: str) -> list[str]:
    return [PYTHON, "-m", *argv]


def converge(title: str, component: str) -> Step:
    return Step(title, module("provision.converge", component))


def steps(settings: Settings, *, deploy_sample: bool = True) -> list[Step]:
    """Return all steps, in their order.

    deploy_sample: False for a restore, which deploys the sample from the backup.
    """
    repository = str(settings.home / "git/sample.git")
    wanted = settings.sample == "yes"
    postgres = [converge("Postgres", "postgres")] if settings.database == "postgres" else []
    return [
        Step(
            "Is this machine fit for it", module("provision.preflight"), change=[], unchanged="yes"
        ),
        converge("Packages, folders and keys", "base"),
        converge("Docker engine", "docker"),
        converge("Redis", "redis"),
        *postgres,
        converge("Pulumi, docker provider, Traefik and BuildKit", "toolchain"),
        converge("Builder image", "builder"),
        converge("Traefik", "traefik"),
        *(library() if wanted else ()),
        converge("Portal and worker", "portal"),
        Step(
            "Stopped containers",
            module("provision.stopping", "resume"),
            module("provision.stopping", "none"),
        ),
        *(sample(repository) if wanted and deploy_sample else ()),
    ]


def library() -> list[Step]:
    """Return the steps that serve the sample's images from this machine."""
    return [
        converge("Packages for the sample's images", "library"),
        Step(
            "Sample's images",
            module("tools.library", "ensure", *SAMPLE_IMAGES),
            module("tools.library", "status", *SAMPLE_IMAGES),
        ),
    ]


def sample(repository: str) -> list[Step]:
    return [
        Step(
            "Sample repository",
            ["/bin/sh", str(CHECKOUT / "provision/sample-repository"), repository],
            ["test", "-e", f"{repository}/HEAD"],
        ),
        Step(
            "Sample project, registered",
            module(
                "jobs.admin", "register", "sample", repository, BRANCH, "--generate", "db_password"
            ),
            module("jobs.admin", "known", "sample"),
        ),
        Step(
            "Sample project, deployed",
            module("jobs.admin", "deploy", "sample", "--wait", "--if-never"),
            module("jobs.admin", "deployed", "sample"),
        ),
    ]


def up(settings: Settings) -> int:
    env = {**os.environ, **environment(settings), "PYTHONUNBUFFERED": "1"}
    todo = steps(settings)
    log = settings.home / "log/quickstart.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    runner = Runner(env, log, len(todo))
    try:
        for step in todo:
            runner.run(step)
    finally:
        (settings.home / "log/quickstart.json").write_text(json.dumps(runner.results, indent=1))
    print()
    if not runner.changed:
        print("Nothing changed: everything was already as it should be.\n")
    summary.show(settings, env)
    return 0


def main() -> int:
    command = sys.argv[1] if len(sys.argv) > 1 else "up"
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if command not in ("up", "stop", "status"):
        told = f"{command!r} is no command of ./quickstart; --help shows which there are"
        print(told, file=sys.stderr)
        return 2
    try:
        with explained():
            return run(command, Settings.from_environ())
    except KeyboardInterrupt:
        print("\nStopped. Run ./quickstart again: it goes on from where it was.", file=sys.stderr)
        return 130


def run(command: str, settings: Settings) -> int:
    """Raises PortwrightError."""
    if command == "status":
        return summary.status(settings)
    if command == "stop" and not settings.home.exists():
        print(f"Nothing to stop: there is no {settings.home}.")
        return 0
    with lock(settings.home):
        return up(settings) if command == "up" else stopping.stop_all(settings)


class lock:
    """One quickstart at a time for a home; a second one waits and says so."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.file = (home / "quickstart.lock").open("w")

    def __enter__(self) -> None:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another ./quickstart is at work here; waiting for it.", flush=True)
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


if __name__ == "__main__":
    sys.exit(main())
