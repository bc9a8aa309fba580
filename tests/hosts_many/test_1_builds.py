"""Builds on another host: a second engine, behind a real sshd and the worker's own tunnel."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import yaml
from base_images import on_engine
from cryptography.fernet import Fernet
from own_engine import Engine
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from ssh_server import SshServer

from jobs.database import session_factory
from jobs.execute import execute
from jobs.hosts import registry, tunnel
from jobs.hosts.trust import ALLOWED
from jobs.models import Environment, Run
from jobs.requests import create_project, request_run
from jobs.settings import Settings
from stacks.docker.builds.builder import builder_name
from toolchain.__main__ import main as toolchain

INSTANCE, HOST, PROJECT = "pwfar", "far", "shop"
BUILDER = builder_name(INSTANCE, PROJECT)
BUSYBOX = "/bin/busybox"
PATIENCE = 60.0


@dataclass
class Far:
    """A project that is placed on the other host, and what is on both sides of the tunnel."""

    settings: Settings
    sessions: sessionmaker[Session]
    server: SshServer
    there: docker.DockerClient
    here: docker.DockerClient
    repository: Path

    def commit(self, *commands: list[str]) -> None:
        """A service without a base image, whose build runs these commands."""
        runs = "".join(f"RUN {json.dumps([BUSYBOX, *each])}\n" for each in commands)
        (self.repository / "Dockerfile").write_text(
            f"FROM scratch\nCOPY busybox {BUSYBOX}\n{runs}"
            f"CMD {json.dumps([BUSYBOX, 'sleep', '1000'])}\n"
        )
        project = {
            "name": PROJECT,
            "rollback_window": "0s",
            "services": {"web": {"build": ".", "init": True}},
        }
        (self.repository / "portwright.yaml").write_text(yaml.safe_dump(project))
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--message", "A change")

    def run(self) -> Run:
        """What a worker does of a deploy that is requested, in this process."""
        with self.sessions() as session:
            (environment,) = session.scalars(select(Environment))
            run = request_run(session, lambda _: None, environment, "deploy", by="alice")
            execute()
            session.refresh(run)
            session.expunge_all()
            return run

    def log(self, run: Run) -> str:
        return self.settings.run_log(run.id).read_text()

    def kill_tunnel(self) -> None:
        record = self.settings.home / "run/hosts" / HOST / "tunnel.json"
        os.kill(int(json.loads(record.read_text())["pid"]), signal.SIGKILL)

    def during(self, command: str, act: Callable[[], object]) -> threading.Thread:
        """Act once a build runs that command."""

        def wait() -> None:
            until(lambda: command in self.processes())
            act()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    def processes(self) -> str:
        """The command lines in the builder."""
        try:
            told = self.there.containers.get(BUILDER).top(ps_args="-eo pid,args")
        except docker.errors.APIError:
            return ""
        return "\n".join(process[-1] for process in told["Processes"])


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def git(folder: Path, *argv: str) -> None:
    identity = ("-c", "user.name=Alice", "-c", "user.email=alice@example.com")
    subprocess.run(["git", *identity, *argv], cwd=folder, check=True)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="pwfar-engine-") as folder:
        made = Engine(Path(folder), "pwfar0", "10.216", "10.215")
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def far(engine: Engine, new_database: Callable[[Path], None]) -> Iterator[Far]:
    home = Path(tempfile.mkdtemp(prefix="pwfar-"))  # a socket's name is short
    with pytest.MonkeyPatch.context() as patch:
        (home / "tmp").mkdir()
        patch.setattr(tempfile, "tempdir", str(home / "tmp"))
        patch.setattr(tunnel, "ENGINE", engine.url.removeprefix("unix://"))
        patch.setenv("PORTWRIGHT_HOME", str(home))
        patch.setenv("PORTWRIGHT_INSTANCE", INSTANCE)
        patch.setenv("PORTWRIGHT_BUILD_MEMORY_MB", "512")
        server = SshServer(home / "ssh")
        try:
            with closing(docker.from_env()) as here, closing(engine.client()) as there:
                yield placed(home, server, here, there, new_database)
        finally:
            tunnel.close_all(home)
            server.stop()
            shutil.rmtree(home)


def placed(
    home: Path,
    server: SshServer,
    here: docker.DockerClient,
    there: docker.DockerClient,
    new_database: Callable[[Path], None],
) -> Far:
    settings = Settings.from_environ()
    new_database(home)
    for folder in ("keys", "state"):
        (home / folder).mkdir()
    for name in ("vault-key", "passphrase"):
        (home / "keys" / name).write_bytes(Fernet.generate_key())
    names = ("pulumi", "docker-provider", "buildkitd", "buildctl")
    places = ("--into", f"{home}/bin", "--plugins", f"{home}/pulumi")
    assert toolchain(["install", "--source", settings.install, *places, *names]) == 0
    repository = home / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch", "main")
    copy_busybox(here, repository / "busybox")
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        address = f"ssh://{server.user}@127.0.0.1:{server.port}"
        host = registry.add(session, settings, HOST, address, by="alice")
        host.known_hosts = server.host_key().line("127.0.0.1", server.port)
        session.commit()
        server.let_in(f"{ALLOWED} {host.public_key}")
        create_project(session, PROJECT, str(repository), "main", by="alice", host=HOST)
    return Far(settings, sessions, server, there, here, repository)


def copy_busybox(client: docker.DockerClient, target: Path) -> None:
    container = client.containers.create(on_engine("busybox"))
    try:
        chunks, _ = container.get_archive(BUSYBOX)
        unpack = ["tar", "--extract", "--directory", str(target.parent)]
        subprocess.run(unpack, input=b"".join(chunks), check=True)
    finally:
        container.remove()


def test_a_build_runs_in_a_builder_on_the_projects_host(far: Far) -> None:
    far.commit(["touch", "/built"])
    run = far.run()
    assert run.state == "succeeded", far.log(run)
    (web,) = far.there.containers.list(filters={"label": f"portwright.project={PROJECT}"})
    assert web.exec_run([BUSYBOX, "test", "-f", "/built"]).exit_code == 0
    assert web.labels["portwright.service"] == "web"
    assert far.there.containers.get(BUILDER).status == "running"
    assert far.here.containers.list(all=True, filters={"name": f"^/{INSTANCE}"}) == []
    assert far.here.images.list(filters={"reference": f"{INSTANCE}/*/*"}) == []


def test_a_build_whose_tunnel_is_cut_is_repeated_with_what_was_built_before(far: Far) -> None:
    far.commit(["touch", "/built"], ["sleep", "5"])
    cut = far.during("busybox sleep 5", far.kill_tunnel)
    run = far.run()
    cut.join()
    log = far.log(run)
    assert run.state == "succeeded", log
    assert "starting the project's builder" not in log
    assert 'RUN ["/bin/busybox", "touch", "/built"] (cached)' in log
    assert "the connection to the builder was lost during the build; trying again" in log


def test_a_host_that_is_lost_during_a_build_is_the_cause(far: Far) -> None:
    def lose() -> None:
        far.server.stop()
        far.kill_tunnel()

    far.commit(["sleep", "300"])
    lost = far.during("busybox sleep 300", lose)
    try:
        run = far.run()
    finally:
        lost.join()
        far.server.process = far.server.start()
    assert run.state == "failed" and run.error is not None
    assert run.error["path"] == "host", far.log(run)
    assert f"host {HOST}: nothing answers" in run.error["message"]
    until(lambda: "sleep 300" not in far.processes())
    assert "dial-stdio" not in far.processes()
    assert list(Path(tempfile.gettempdir()).glob("portwright-build-*")) == []
    (web,) = far.there.containers.list(filters={"label": f"portwright.project={PROJECT}"})
    assert web.status == "running"
