"""Stopping what ./quickstart started, and only that; and starting again what it stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from jobs.hosts import tunnel
from jobs.settings import Settings
from provision.daemons import running, stop
from stacks.docker.builds.builder import INSTANCE_LABEL

# In this order: who asks before who answers.
DAEMONS = (
    *("portal", "worker", "traefik", "redis", "postgres"),
    *("library", "library-bridge", "dockerd"),
)


def stopped_file(settings: Settings) -> Path:
    return settings.home / "run/stopped.json"


def earlier(settings: Settings) -> list[str]:
    """Containers that were stopped and not started again yet."""
    path = stopped_file(settings)
    return list(json.loads(path.read_text())) if path.exists() else []


def containers_of(settings: Settings, label: str = "portwright.instance") -> list[str]:
    """Running containers, or builders, that this home's worker made; none where another home has the instance."""
    try:
        worker = json.loads((settings.home / "run/worker.daemon.json").read_text())
    except FileNotFoundError:
        return []
    if worker["env"]["PORTWRIGHT_INSTANCE"] != settings.instance:
        return []
    return docker("ps", "--quiet", "--no-trunc", "--filter", f"label={label}={settings.instance}")


def docker(*argv: str) -> list[str]:
    try:
        done = subprocess.run(["docker", *argv], capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return done.stdout.split() if done.returncode == 0 else []


def stop_all(settings: Settings) -> int:
    """Stop containers of this instance, then the daemons; say each."""
    containers = containers_of(settings)
    builders = containers_of(settings, INSTANCE_LABEL)  # the next build starts them, not `resume`
    ended = []
    if running(settings.home, "worker"):
        print("Stopping; a run that is at work is let finish (10 minutes at most).", flush=True)
    for name in DAEMONS[:2]:
        ended += [name] if stop(settings.home, name) else []
    ways = tunnel.close_all(settings.home)
    ended += [f"the ways to {len(ways)} hosts"] if ways else []
    if containers:
        stopped_file(settings).write_text(json.dumps([*earlier(settings), *containers]))
        docker("stop", *containers)
        ended.append(f"{len(containers)} containers")
    if builders:
        docker("stop", *builders)
        ended.append(f"{len(builders)} builders" if len(builders) > 1 else "1 builder")
    for name in DAEMONS[2:]:
        ended += [name] if stop(settings.home, name) else []
    print(f"Stopped: {', '.join(ended)}." if ended else "Nothing of it was running.")
    if docker("info", "--format", "{{.ID}}"):
        print("Docker goes on: it was not started from here.")
    print(
        f"Data, images and settings stay in {settings.home} and in Docker; ./quickstart starts all again."
    )
    return 0


def resume(settings: Settings) -> int:
    """Start the containers that stop_all stopped."""
    path = stopped_file(settings)
    if path.exists():
        # Listed newest first; a service's dependencies are older than it.
        for container in reversed(earlier(settings)):
            # One that somebody removed in between is no reason to stop here.
            docker("start", container)
        path.unlink()
    return 0


def main() -> int:
    settings = Settings.from_environ()
    if sys.argv[1:] == ["resume"]:
        return resume(settings)
    return 1 if stopped_file(settings).exists() else 0


def states(settings: Settings) -> dict[str, bool]:
    """Daemon -> whether it runs as ours."""
    return {name: running(settings.home, name) is not None for name in DAEMONS}


if __name__ == "__main__":
    sys.exit(main())
