"""`portwright restore REPOSITORY --password-file FILE`: this machine becomes the host that was.

The steps of ./quickstart without the sample; between them the backup's parts come to their
places. Run again after a failure, it goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from jobs.settings import Settings
from provision import quickstart
from provision.environment import environment
from provision.steps import Runner, Step
from stacks.errors import explained

VOLUMES = "Volumes"
AGAIN = "correct what the lines above say, then run portwright restore again: it goes on from there"


def backup(title: str, *argv: str, step: str = "", remedy: str = AGAIN) -> Step:
    done = quickstart.module("jobs.backup", "restored", step) if step else None
    return Step(title, quickstart.module("jobs.backup", *argv), done, remedy=remedy)


def steps(
    settings: Settings, repository: str, password_file: Path, snapshot: str | None
) -> list[Step]:
    """What ./quickstart does, with the backup's parts in between."""
    fetch = ["fetch", repository, "--password-file", str(password_file)]
    fetch += ["--snapshot", snapshot] if snapshot else []
    # The keys must be there before anything is made with new ones.
    after = {"base": [backup("Files of the backup", *fetch, step="fetched")]}
    before = {
        "portal": [
            backup("Database and engine's state", "load", step="loaded"),
            backup(VOLUMES, "fill", step="filled"),
        ]
    }
    todo: list[Step] = []
    for step in quickstart.steps(settings, deploy_sample=False):
        component = step.argv[-1] if "provision.converge" in step.argv else ""
        todo += [*before.get(component, []), step, *after.get(component, [])]
    failed = (
        "correct what the lines above say, then deploy these projects; all others serve, "
        "and the restore itself is done"
    )
    return [*todo, backup("What served is deployed again", "follow", remedy=failed)]


def restore(settings: Settings, repository: str, password_file: Path, snapshot: str | None) -> int:
    env = {**os.environ, **environment(settings), "PYTHONUNBUFFERED": "1"}
    log = settings.home / "log/restore.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    todo = steps(settings, repository, password_file, snapshot)
    runner = Runner(env, log, len(todo))
    for step in todo:
        runner.run(step)
        if step.title == VOLUMES:  # other hosts may have been away
            print("\n".join(f"  {line}" for line in runner.at.lines))
    print(f"\nRestored. Portal: {settings.portal_url}")
    if not settings.backup:
        print(f"Backups go on once PORTWRIGHT_BACKUP={repository} is set and ./quickstart has run.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="portwright restore")
    parser.add_argument("repository")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--snapshot")
    given = parser.parse_args()
    with explained():
        settings = Settings.from_environ()
        with quickstart.lock(settings.home):
            return restore(settings, given.repository, given.password_file, given.snapshot)


if __name__ == "__main__":
    sys.exit(main())
