"""A real portal on a free port, with a worker that pretends; and the command line against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from flask import Flask
from werkzeug.security import generate_password_hash
from werkzeug.serving import make_server

from cli.main import main
from jobs.database import session_factory
from jobs.models import Environment, Member, Release, Run, User
from jobs.requests import create_project
from jobs.settings import Settings
from jobs.states import move
from portal import create_app
from stacks.plan import MASK, Change, Plan, Step

PASSWORD = "correct horse battery"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
STEP = Step(
    "replace",
    "docker:index/container:Container",
    "sample-web",
    "web",
    why="the image changes",
    restart=True,
    data_loss=True,
    changes=(
        Change("image", "sha256:" + "a1" * 32, "sha256:" + "b2" * 32),
        Change("env.COLOR", "amber", "\x1b[31m[bold]teal[/bold]"),
        Change("env.PASSWORD", MASK, MASK, secret=True),
    ),
)
FULL = Plan(steps=(STEP,), same=4)


@dataclass
class Worker:
    """Carries out every run at once; tests choose what it finds."""

    settings: Settings
    plan: Plan = FULL
    error: dict[str, str] | None = None
    log: bytes = b"\x1b[32mbuilding\x1b[0m\nhealthy\n"
    idle: bool = False
    done: list[int] = field(default_factory=list)

    def __call__(self, run_id: int) -> None:
        self.done.append(run_id)
        if self.idle:
            return
        with session_factory(self.settings.database_url)() as session:
            run = session.get_one(Run, run_id)
            self.settings.run_log(run_id).write_bytes(self.log)
            move(session, run_id, "building", commit=COMMIT, subject="Paint it teal")
            move(session, run_id, "planning", plan=self.plan.to_json())
            if self.error:
                move(session, run_id, "failed", error=self.error)
                return
            if run.kind in ("deploy", "rollback"):
                self.release(session, run)
            move(session, run_id, "succeeded")

    def release(self, session: Any, run: Run) -> None:
        environment = session.get_one(Environment, run.environment_id)
        environment.release = run.release = (environment.release or 0) + 1
        row = {"spec": {"services": {}}, "commit": COMMIT, "subject": "Paint it teal"}
        number = environment.release
        session.add(
            Release(
                environment_id=environment.id,
                number=number,
                run_id=run.id,
                rollback_of=run.target,
                **row,
            )
        )
        session.commit()


@pytest.fixture
def settings(tmp_path: Path, new_database: Callable[[Path], None]) -> Settings:
    settings = Settings(home=tmp_path / "home")
    (settings.home / "keys").mkdir(parents=True)
    (settings.home / "runs").mkdir()
    (settings.home / "keys" / "secret-key").write_text("k" * 40)
    (settings.home / "keys" / "vault-key").write_text(Fernet.generate_key().decode())
    new_database(settings.home)
    return settings


@pytest.fixture
def worker(settings: Settings) -> Worker:
    return Worker(settings)


@pytest.fixture
def app(settings: Settings, worker: Worker) -> Flask:
    app = create_app(settings, doorbell=worker)
    with session_factory(settings.database_url)() as session:
        hashed = generate_password_hash(PASSWORD, "scrypt:1024:8:1")
        user = User(email="alice@example.org", password_hash=hashed)
        session.add(user)
        project = create_project(
            session, "sample", "https://git.example.com/sample.git", "main", by="test"
        )
        session.add(Member(project_id=project.id, user_id=user.id, role="owner"))
        session.commit()
    return app


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line, as if typed; `typed` is what stands on standard input."""
    monkeypatch.setenv("PORTWRIGHT_CONFIG", str(tmp_path / "config" / "config.json"))
    monkeypatch.delenv("PORTWRIGHT_TOKEN", raising=False)
    monkeypatch.delenv("PORTWRIGHT_URL", raising=False)
    monkeypatch.setattr("cli.follow.POLL", 0.02)

    def typed(*words: str, typed: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, list(words), input=typed)

    return typed


@pytest.fixture
def alice(run: Callable[..., Result], url: str) -> Callable[..., Result]:
    """The command line after a login."""
    login = run("login", url, typed=f"alice@example.org\n{PASSWORD}\n")
    assert login.exit_code == 0, login.output
    return run
