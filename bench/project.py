"""A project of one's own on a scratch platform: a repository, and Runs asked for and waited for."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import yaml
from docker.models.containers import Container
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.scratch import Scratch
from jobs.database import session_factory
from jobs.doorbell import doorbell
from jobs.models import Environment, Project, Run
from jobs.queries import environment_named
from jobs.requests import add_environment, create_project, request_run, set_secret
from jobs.settings import Settings
from jobs.states import FINAL, RESTING

STEP = 0.02
PATIENCE = 600.0
# Of bench/app, the service that most projects here deploy.
DOCKERFILE = (Path(__file__).parent / "app/Dockerfile").read_text()
IDENTITY = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]


class ScratchProject:
    """folder: where its working tree goes; it is the repository as well."""

    def __init__(self, scratch: Scratch, folder: Path, name: str) -> None:
        self.scratch = scratch
        self.folder = folder
        self.name = name
        self.settings = Settings.from_environ(scratch.env)
        self.sessions = session_factory(self.settings.database_url)
        self.ring = doorbell(self.settings.redis_url)
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        with self.sessions() as session:
            create_project(session, name, str(folder), "main", by="bench")

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ["git", *IDENTITY, *argv], cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, content: dict[str, Any] | None = None, message: str = "A change") -> str:
        """Commit everything, with this as the project file; returns the SHA."""
        if content is not None:
            whole = {"name": self.name, **content}
            self.write("portwright.yaml", yaml.safe_dump(whole, sort_keys=False))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def request(self, kind: str, environment: str = "production", **more: Any) -> int:
        with self.sessions() as session:
            run = request_run(
                session, self.ring, self.environment(session, environment), kind, by="bench", **more
            )
            return run.id

    def run(self, kind: str, environment: str = "production", **more: Any) -> Run:
        """Ask, and wait until it ends or rests; the Run, detached."""
        return self.ended(self.request(kind, environment, **more))

    def deploy(self, content: dict[str, Any] | None = None, **more: Any) -> Run:
        """Commit, deploy, and see it succeed."""
        if content is not None:
            self.commit(content)
        run = self.run("deploy", **more)
        assert run.state == "succeeded", (run.state, run.error, self.log(run.id))
        return run

    def ended(self, run_id: int) -> Run:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self.sessions() as session:
                run = session.get_one(Run, run_id)
                if run.state in FINAL or (run.state in RESTING and run.state != "queued"):
                    session.expunge(run)
                    return run
            time.sleep(STEP)
        raise AssertionError(f"run {run_id} did not end:\n{self.log(run_id)}")

    def environment(self, session: Session, name: str = "production") -> Environment:
        project = session.scalars(select(Project).where(Project.name == self.name)).one()
        found = environment_named(project, name)
        return found or add_environment(session, project, name, by="bench")

    def secret(self, name: str, value: str, environment: str | None = None) -> None:
        with self.sessions() as session:
            project = session.scalars(select(Project).where(Project.name == self.name)).one()
            key = self.settings.key("vault-key")
            set_secret(session, key, project, name, value, by="bench", environment=environment)

    def policy(self, policy: str, environment: str = "production") -> None:
        with self.sessions() as session:
            self.environment(session, environment).policy = policy
            session.commit()

    def release(self, environment: str = "production") -> int | None:
        with self.sessions() as session:
            return self.environment(session, environment).release

    def log(self, run_id: int) -> str:
        path = self.settings.run_log(run_id)
        return path.read_text() if path.exists() else ""

    def containers(self, service: str = "", environment: str = "production") -> list[Container]:
        labels = [
            f"portwright.instance={self.settings.instance}",
            f"portwright.project={self.name}",
            f"portwright.environment={environment}",
            *([f"portwright.service={service}"] if service else []),
        ]
        return list(
            self.scratch.client.containers.list(
                all=True, filters={"label": labels}, ignore_removed=True
            )
        )
