"""One build of a project in a process of its own, as a worker has it, so that it can be killed.

Arguments: the home, the instance, the project. Prints the error of a build that fails.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import docker
from attack_ground import Ground, Place
from sqlalchemy import select

from jobs.database import session_factory
from jobs.log import RunLog
from jobs.models import Project
from jobs.settings import Settings
from stacks.errors import PortwrightError


def main() -> int:
    settings = Settings.from_environ(os.environ)
    sessions = session_factory(settings.database_url)
    with sessions() as session, RunLog(settings.home / "runs/worker.log") as log:
        ground = Ground(docker.from_env(timeout=120), settings, sessions, session, settings.home)
        project = session.scalars(select(Project).where(Project.name == sys.argv[1])).one()
        place = Place(ground, project, Path(project.repository))
        try:
            place.images(place.context(log))
        except PortwrightError as error:
            print(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
