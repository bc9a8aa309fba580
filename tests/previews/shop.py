"""A project on a real Gitea and a scratch platform that deploys it: pushes, pull requests, previews."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml
from docker.models.containers import Container
from sqlalchemy import select

from bench.downtime import APP
from bench.project import DOCKERFILE, IDENTITY
from bench.scratch import Scratch
from jobs.database import session_factory
from jobs.doorbell import doorbell
from jobs.hooks import create_hook
from jobs.models import Delivery, Hook, Preview, Project, Run
from jobs.previews.policy import set_policy
from jobs.requests import create_project, request_run, set_secret
from jobs.settings import Settings
from jobs.sources import client_of, configure, full_name_of, keep, source_of
from jobs.states import FINAL

sys.path.insert(0, str(Path(__file__).parents[1] / "gitea"))
from gitea import Gitea

T = TypeVar("T")
OWNER = "alice"
CANARY = "canary-4711-production"
PATIENCE = 90.0


class Shop:
    """folder: a clone of the repository. Production is deployed once, from `main`."""

    def __init__(self, scratch: Scratch, gitea: Gitea, folder: Path, name: str) -> None:
        self.scratch, self.gitea, self.folder, self.name = scratch, gitea, folder, name
        self.settings = Settings.from_environ(scratch.env)
        self.sessions = session_factory(self.settings.database_url)
        self.ring = doorbell(self.settings.redis_url)
        self.secret, self.hook_path = "", ""
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        url = gitea.create_repository(OWNER, name)
        with self.sessions() as session:
            project = create_project(session, name, url, "main", by="test")
            key = self.settings.key("vault-key")
            configure(
                session, project, by="test", kind="gitea", api_url=f"{gitea.url}/api/v1",
                poll_minutes=0,
            )  # fmt: skip
            keep(session, key, project, {"token": gitea.tokens[OWNER]}, by="test")
            set_secret(session, key, project, "key", CANARY, by="test")
            set_policy(session, project, {"enabled": True, "idle_minutes": 0}, by="test")

    def add_hook(self) -> None:
        """As the portal does it: the forge is told the address and the secret."""
        with self.sessions() as session:
            project = self.project(session)
            key = self.settings.key("vault-key")
            hook, self.secret = create_hook(session, key, project, "gitea", by="test")
            source = source_of(session, project)
            assert source
            client = client_of(self.settings, source)
            assert client
            self.hook_path = f"/hooks/{hook.address}"
            url = f"http://127.0.0.1:{self.scratch.ports[0]}{self.hook_path}"
            hook.forge_id = client.add_hook(full_name_of(project, source), url, self.secret)
            session.commit()

    def project(self, session: Any) -> Project:
        return session.scalars(select(Project).where(Project.name == self.name)).one()

    def policy(self, **given: Any) -> None:
        with self.sessions() as session:
            set_policy(session, self.project(session), given, by="test")

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ["git", *IDENTITY, *argv], cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def content(self, number: int, **more: Any) -> dict[str, Any]:
        web = {
            "build": "web",
            "port": 8000,
            "healthcheck": {"http": "/health", "interval": "1s"},
            "env": {"NUMBER": str(number), "KEY": {"secret": "key"}},
            "volumes": {"data": "/data"},
        }
        return {"name": self.name, "rollback_window": "0s", "services": {"web": web}, **more}

    def commit(self, number: int, message: str = "A change", **more: Any) -> str:
        (self.folder / "web").mkdir(exist_ok=True)
        (self.folder / "web/app.py").write_text(APP.read_text())
        (self.folder / "web/Dockerfile").write_text(DOCKERFILE)
        text = yaml.safe_dump(self.content(number, **more), sort_keys=False)
        (self.folder / "portwright.yaml").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *refspecs: str, by: str = OWNER, owner: str = OWNER) -> None:
        self.gitea.push(self.folder, owner, self.name, *refspecs, by=by)

    def branch(self, name: str, number: int, **more: Any) -> str:
        """A pushed branch from main with one commit; its SHA."""
        self.git("checkout", "--quiet", "-B", name, "main")
        sha = self.commit(number, f"Number {number}", **more)
        self.push(f"+{name}")
        return sha

    def pull(self, branch: str, **more: Any) -> int:
        return self.gitea.open_pull(OWNER, self.name, branch, "main", f"Pull {branch}", **more)

    def wait(self, ask: Callable[[Any], T | None], what: str, patience: float = PATIENCE) -> T:
        """The first true value that a question to the database has."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with self.sessions() as session:
                found = ask(session)
                if found:
                    session.expunge_all()
                    return found
            time.sleep(0.1)
        raise AssertionError(f"not within {patience:.0f} s: {what}\n{self.story()}")

    def preview(self, number: int, **wanted: Any) -> Preview:
        """The preview of a pull request, once its columns are as wanted."""

        def ask(session: Any) -> Preview | None:
            query = select(Preview).join(Project).where(Project.name == self.name)
            found = session.scalar(query.where(Preview.number == number))
            fits = found and all(getattr(found, key) == value for key, value in wanted.items())
            return found if fits else None

        return self.wait(ask, f"preview {number} with {wanted}")

    def gone(self, number: int) -> Preview:
        """A closed preview of which nothing is left."""

        def ask(session: Any) -> Preview | None:
            query = select(Preview).join(Project).where(Project.name == self.name)
            found = session.scalar(query.where(Preview.number == number))
            return found if found and found.state == "closed" and found.gone_at else None

        preview = self.wait(ask, f"preview {number} gone")
        assert self.left_over(number) == []
        return preview

    def run_of(self, commit: str, environment: str, *states: str) -> Run:
        """The newest deploy of a commit in an environment, once it is in one of the states."""

        def ask(session: Any) -> Run | None:
            query = select(Run).where(Run.kind == "deploy", (Run.ref == commit))
            for run in session.scalars(query.order_by(Run.id.desc())):
                of = run.environment
                if of.project.name == self.name and of.name == environment:
                    return run if run.state in (states or FINAL) else None
            return None

        return self.wait(ask, f"a deploy of {commit[:7]} in {environment}")

    def served(self, host: str, number: int, patience: float = 30.0) -> None:
        deadline = time.monotonic() + patience
        while (seen := self.get(host, "/env?NUMBER").text) != str(number):
            assert time.monotonic() < deadline, (host, seen, number)
            time.sleep(0.2)

    def get(self, host: str, path: str = "/", **more: Any) -> httpx.Response:
        headers = {"Host": host, **more.pop("headers", {})}
        url = f"http://127.0.0.1:{self.scratch.ports[1]}{path}"
        return httpx.get(url, headers=headers, timeout=20, **more)

    def visited(self, host: str, **more: Any) -> httpx.Response:
        """The first answer that is not Traefik's own of a container that has just gone."""
        deadline = time.monotonic() + 10
        while (answer := self.get(host, **more)).status_code == 502:
            assert time.monotonic() < deadline, host
            time.sleep(0.1)
        return answer

    def host(self, number: int) -> str:
        return f"pr-{number}-{self.name}.localhost"

    def containers(self, number: int) -> list[Container]:
        return list(
            self.scratch.client.containers.list(
                all=True, filters={"label": self.labels(number)}, ignore_removed=True
            )
        )

    def labels(self, number: int) -> list[str]:
        return [
            f"portwright.instance={self.settings.instance}",
            f"portwright.project={self.name}",
            f"portwright.environment=pr-{number}",
        ]

    def left_over(self, number: int) -> list[str]:
        """Names of all that a preview had: containers, networks, volumes, its stack."""
        client, filters = self.scratch.client, {"label": self.labels(number)}
        found = [str(each.name) for each in self.containers(number)]
        found += [str(each.name) for each in client.networks.list(filters=filters)]
        found += [str(each.name) for each in client.volumes.list(filters=filters)]
        stacks = self.scratch.home / "state/.pulumi/stacks" / self.name
        return found + [str(each) for each in stacks.glob(f"pr-{number}.json")]

    def images(self) -> set[str]:
        label = [f"portwright.instance={self.settings.instance}", f"portwright.project={self.name}"]
        return {str(i.id) for i in self.scratch.client.images.list(filters={"label": label})}

    def request(self, kind: str, **more: Any) -> int:
        with self.sessions() as session:
            production = self.project(session).environments[0]
            return request_run(session, self.ring, production, kind, by="test", **more).id

    def log(self, run_id: int) -> str:
        path = self.settings.run_log(run_id)
        return path.read_text() if path.exists() else ""

    def story(self) -> str:
        """What happened so far, for a test that fails."""
        lines = []
        with self.sessions() as session:
            for each in session.scalars(select(Delivery).join(Hook).order_by(Delivery.id)):
                if each.hook.project.name == self.name:
                    lines.append(f"delivery {each.id} {each.event}: {each.outcome}")
            for run in session.scalars(select(Run).order_by(Run.id)):
                if run.environment.project.name == self.name:
                    told = json.dumps(run.error) if run.error else ""
                    lines.append(
                        f"run {run.id} {run.environment.name} {run.kind} {run.state} {told}"
                    )
            for each in session.scalars(select(Preview)):
                lines.append(f"preview {each.number} {each.state} {each.held} {each.closed}")
            source = source_of(session, self.project(session))
            lines.append(f"source {source.problem if source else None}")
        return "\n".join(lines)
