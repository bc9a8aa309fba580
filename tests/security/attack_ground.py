"""Two projects with git repositories on one database and one engine, and their real builds.

A build takes the way that a run takes: commit, checkout, project file, builder, engine. Only the
queue and the worker are left out, which keeps a build at about a second.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker
import yaml
from base_images import serve
from cryptography.fernet import Fernet
from docker.models.containers import Container
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from jobs.builders import using
from jobs.context import Context
from jobs.database import session_factory
from jobs.guard import Guard
from jobs.log import RunLog
from jobs.log_files import whole
from jobs.models import Environment, Preview, Project, Run
from jobs.prepare import images
from jobs.previews.prepare import preview_of, versions
from jobs.requests import create_project, set_secret
from jobs.settings import Settings
from jobs.source import checkout
from jobs.sources import access_of, source_of
from stacks.docker.builds import builder
from stacks.docker.builds.builder_image import BINARIES
from stacks.parse import read
from stacks.spec import BuiltImage

CHECKOUT = Path(__file__).resolve().parents[2]
IDENTITY = ("-c", "user.name=Alice", "-c", "user.email=alice@example.com")
BASE = "portwright/busybox:1.37"


@dataclass
class Ground:
    """settings: of a home without daemons; its instance prefixes all names on the engine."""

    client: docker.DockerClient
    settings: Settings
    sessions: sessionmaker[Session]
    session: Session
    folder: Path
    places: dict[str, Place] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """The project of that name, registered at its first use."""
        if name not in self.places:
            folder = self.folder / "repositories" / name
            folder.mkdir(parents=True)
            git(folder, "init", "--quiet", "--initial-branch", "main")
            project = create_project(self.session, name, str(folder), "main", by="alice")
            self.places[name] = Place(self, project, folder)
        return self.places[name]

    def clear(self) -> None:
        for name in builder.owners(self.client, self.settings.instance):
            builder.remove(self.client, self.settings.instance, name)
        label = {"label": f"portwright.instance={self.settings.instance}"}
        for image in self.client.images.list(filters=label):
            self.client.images.remove(image.id, force=True)


@contextmanager
def new_ground(
    folder: Path, new_database: Callable[[Path], None], instance: str
) -> Iterator[Ground]:
    """A ground in this folder with the library's images; nothing of it is left in the engine."""
    serve("busybox", "python")
    home = folder / "home"
    for each in ("bin", "keys"):
        (home / each).mkdir(parents=True)
    new_database(home)
    (home / "keys/vault-key").write_text(Fernet.generate_key().decode())
    given = {**os.environ, "PORTWRIGHT_HOME": str(home), "PORTWRIGHT_INSTANCE": instance}
    settings = Settings.from_environ(given)
    install = [sys.executable, "-m", "toolchain", "install", "--into", str(home / "bin")]
    subprocess.run([*install, *BINARIES], cwd=CHECKOUT, check=True)
    sessions = session_factory(settings.database_url)
    client = docker.from_env(timeout=120)
    with sessions() as session:
        made = Ground(client, settings, sessions, session, folder)
        made.clear()
        try:
            yield made
        finally:
            made.clear()
            client.close()
    sessions.kw["bind"].dispose()


@dataclass(frozen=True)
class Built:
    """images: service -> image. log: what the run's log holds."""

    client: docker.DockerClient
    images: Mapping[str, BuiltImage]
    log: str

    @property
    def id(self) -> str:
        """Of the only service's image, or that of `web`."""
        return self.images["web"].id

    def read(self, path: str, service: str = "web") -> bytes:
        """Return a file of the image, without running anything."""
        container = self.client.containers.create(self.images[service].id, ["/nothing"])
        try:
            stream, _ = container.get_archive(path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
                member = tar.extractfile(tar.getmembers()[0])
                assert member is not None
                return member.read()
        finally:
            container.remove(force=True)

    def text(self, path: str = "/out", service: str = "web") -> str:
        return self.read(path, service).decode().strip()


@dataclass
class Place:
    """A project and its repository."""

    ground: Ground
    project: Project
    folder: Path
    count: int = 0

    def secret(self, name: str, value: str) -> None:
        key = self.ground.settings.key("vault-key")
        set_secret(self.ground.session, key, self.project, name, value, by="alice")

    def commit(
        self, files: Mapping[str, str | bytes], services: Mapping[str, Any] | None = None
    ) -> str:
        """Make this the whole repository; returns the commit. services: `web`, built from `.`."""
        git(self.folder, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
        content = {"name": self.project.name, "services": services or {"web": {"build": "."}}}
        for name, given in {**files, "portwright.yaml": yaml.safe_dump(content)}.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(given.encode() if isinstance(given, str) else given)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "A change")
        return git(self.folder, "rev-parse", "HEAD")

    def environment(self, pull_request: int | None, fork: bool) -> Environment:
        """Production, or a preview of that pull request."""
        if pull_request is None:
            return self.project.environments[0]
        session = self.ground.session
        found = session.scalar(
            select(Preview).where(
                Preview.project_id == self.project.id, Preview.number == pull_request
            )
        )
        if found is None:
            made = Environment(
                name=f"pr-{pull_request}", kind="preview", project_id=self.project.id
            )
            found = Preview(
                project=self.project, environment=made, number=pull_request, fork=fork,
                head_branch="change", base_branch="main", head_commit="a" * 40,
            )  # fmt: skip
            session.add(found)
            session.commit()
        return found.environment

    def context(
        self,
        log: RunLog,
        options: Mapping[str, Any] | None = None,
        pull_request: int | None = None,
        fork: bool = False,
        settings: Settings | None = None,
        expected_plan: str | None = None,
    ) -> Context:
        """Of a new run, as the worker has it."""
        run = Run(
            environment=self.environment(pull_request, fork), kind="plan", state="building",
            requested_by="alice", options=dict(options or {}), token=1,
            expected_plan=expected_plan,
        )  # fmt: skip
        self.ground.session.add(run)
        self.ground.session.commit()
        used = settings or self.ground.settings
        return Context(used, self.ground.session, run, log, Guard(used, self.ground.sessions, run))

    def build(
        self,
        dockerfile: str | bytes | None = None,
        build: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, str | bytes] | None = None,
        services: Mapping[str, Any] | None = None,
        log: Callable[[str], None] = lambda text: None,
        **context: Any,
    ) -> Built:
        """Commit and build. Raises PortwrightError as a run fails; log gets its log in any case.

        dockerfile: of the service `web`; build: its fields. context: as for Place.context.
        """
        given = {**({} if dockerfile is None else {"Dockerfile": dockerfile}), **(files or {})}
        if services is None:
            services = {"web": {"build": {"context": ".", **(build or {})}}}
        self.commit(given, services)
        self.count += 1
        path = self.ground.folder / "logs" / f"{self.project.name}-{self.count}.log"
        try:
            with RunLog(path) as out:
                made = self.context(out, **context)
                return Built(self.ground.client, self.images(made), log_of(path))
        finally:
            log(log_of(path))

    def images(self, context: Context) -> dict[str, BuiltImage]:
        """What jobs.prepare does between the fetch of the commit and the frozen Spec."""
        settings, project = context.settings, self.project
        access = access_of(settings, project, source_of(context.session, project))
        mirror = settings.home / "mirrors" / f"{project.name}.git"
        folder = settings.home / "checkouts" / str(context.run.id)
        mirror.parent.mkdir(exist_ok=True)
        with checkout(access, "main", mirror, folder) as source:
            wanted = read(source.folder)
            allowed = versions(context, wanted, preview_of(context))
            return images(context, source, wanted, allowed)

    def builder(self, settings: Settings | None = None) -> Container:
        """Its builder's container, running."""
        with RunLog(self.ground.folder / "logs" / "builder.log") as log:
            context = self.context(log, settings=settings)
            with using(context) as name:
                return self.ground.client.containers.get(name)

    def with_settings(self, **changes: Any) -> Settings:
        return replace(self.ground.settings, **changes)


def git(folder: Path, *argv: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *argv], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def log_of(path: Path) -> str:
    return whole(path).decode()
