"""A database with a history: a cast of people, a project, runs of every kind, releases."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from jobs.backup.make import FAILED, MADE, VERIFIED
from jobs.hooks import create_hook
from jobs.models import Delivery, Environment, Member, Preview, Project, Release, Run, User, now
from jobs.records import record
from jobs.requests import create_project, set_secret
from jobs.settings import Settings
from stacks.plan import MASK, Change, Plan, Step

PASSWORD = "correct horse battery"
ROLES = {"alice": "owner", "bob": "developer", "vera": "viewer", "charlie": None}
OLD, NEW = "sha256:" + "a1" * 32, "sha256:" + "b2" * 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SECRET = "s3cr3t-value-of-the-database"
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@cache
def password_hash() -> str:
    return generate_password_hash(PASSWORD, "scrypt:1024:8:1")  # cheap: tests sign in often


def email(name: str) -> str:
    return f"{name}@example.org"


def make_home(settings: Settings) -> None:
    """Keys and folders as the provisioner makes them."""
    (settings.home / "keys").mkdir(parents=True)
    (settings.home / "runs").mkdir()
    (settings.home / "keys" / "secret-key").write_text("k" * 40)
    (settings.home / "keys" / "vault-key").write_text(Fernet.generate_key().decode())


def make_people(session: Session) -> None:
    for name in ROLES:
        session.add(User(email=email(name), password_hash=password_hash()))
    session.commit()


def spec(image: str, color: str, generation: int = 1) -> dict[str, Any]:
    web = {
        "image": image,
        "image_ref": "sample-web:0123456",
        "env": {"COLOR": color, "PASSWORD": {"secret": "db_password", "version": 1}},
        "port": 8000,
        "routes": [{"host": "web.sample.localhost", "path": None, "redirect": None}],
        "depends_on": {"database": {"condition": "healthy", "cascade": True}},
        "volumes": {},
        "replicas": 2,
        "generation": generation,
    }
    database = {"image": OLD, "image_ref": "db:1", "volumes": {"data": "/var/lib/postgresql"}}
    return {
        "project": "sample",
        "environment": "production",
        "commit": COMMIT,
        "subject": "Paint it teal",
        "services": {"web": web, "database": database},
    }


def rich_plan() -> Plan:
    password = Change("env.PASSWORD", MASK, MASK, secret=True)
    health = Change("healthcheck", None, {"tests": ["CMD", "curl", "-f", "http://localhost:8000/"]})
    web = Step(
        "replace",
        "docker:index/container:Container",
        "sample-web",
        "web",
        why="the image and its environment change",
        restart=True,
        changes=(
            Change("image", OLD, NEW),
            Change("env.COLOR", "amber", HOSTILE),
            password,
            health,
        ),
    )
    volume = Step(
        "delete",
        "docker:index/volume:Volume",
        "sample-uploads",
        "web",
        why="no service uses it any more",
        downtime=True,
        data_loss=True,
    )
    network = Step("create", "docker:index/network:Network", "sample-front", why="it is new")
    return Plan(steps=(network, web, volume), same=4)


def make_project(session: Session, settings: Settings) -> Project:
    """The project `sample`, with its members, secret, releases and runs 1 to 9."""
    repository = "https://git.example.org/sample.git"
    project = create_project(session, "sample", repository, "main", by=email("alice"))
    for user in session.query(User):
        role = ROLES[user.email.partition("@")[0]]
        if role:
            session.add(Member(project_id=project.id, user_id=user.id, role=role))
    session.commit()
    key = settings.key("vault-key")
    set_secret(session, key, project, "db_password", SECRET, by=email("alice"))
    environment = project.environments[0]
    first = Plan(steps=(Step("create", "docker:index/container:Container", "sample-web", "web"),))
    add_run(session, environment, "deploy", "succeeded", plan=first, release=1)
    add_release(session, environment, 1, 1, spec(OLD, "amber"))
    add_run(session, environment, "deploy", "succeeded", plan=rich_plan(), release=2)
    add_release(session, environment, 2, 2, spec(NEW, "teal", 2))
    add_run(session, environment, "plan", "succeeded", plan=rich_plan(), subject=HOSTILE)
    wrong = {
        "path": "services.web",
        "message": "the container stopped with code 1 before it was healthy",
        "remedy": "read the last lines of the log; release 2 still serves",
    }
    add_run(session, environment, "deploy", "failed", plan=rich_plan(), error=wrong)
    add_run(session, environment, "rollback", "succeeded", plan=rich_plan(), target=1, release=3)
    add_release(session, environment, 3, 5, spec(OLD, "amber", 5), rollback_of=1)
    add_run(session, environment, "plan", "succeeded", plan=rich_plan(), target=2)
    add_run(session, environment, "plan", "succeeded", plan=Plan(same=6))
    going = Step("delete", "Container", "sample-cache", "cache", why="gone", destructive=True)
    add_run(session, environment, "deploy", "awaiting_approval", plan=Plan((going,), same=3))
    drifted = Step("replace", "Container", "sample-web", "web", why="drift: it was stopped")
    add_run(session, environment, "drift", "succeeded", plan=Plan((drifted,), same=3))
    environment.release = 3
    session.commit()
    return project


def add_run(
    session: Session,
    environment: Environment,
    kind: str,
    state: str,
    *,
    plan: Plan | None = None,
    **columns: Any,
) -> Run:
    started = now() - timedelta(minutes=5)
    usual = {"subject": "Paint it teal", "ref": "main", "commit": COMMIT}
    columns = {**usual, "ended_at": started + timedelta(seconds=74), **columns}
    run = Run(
        environment=environment,
        kind=kind,
        state=state,
        plan=plan.to_json() if plan else None,
        requested_by=email("bob"),
        created_at=started,
        started_at=started,
        **columns,
    )
    session.add(run)
    session.commit()
    return run


def add_release(
    session: Session,
    environment: Environment,
    number: int,
    run_id: int,
    frozen: dict[str, Any],
    rollback_of: int | None = None,
) -> None:
    session.add(
        Release(
            environment_id=environment.id,
            number=number,
            run_id=run_id,
            spec=frozen,
            commit=COMMIT,
            subject="Paint it teal",
            rollback_of=rollback_of,
        )
    )
    session.commit()


def add_backups(session: Session) -> None:
    """Two that are kept, one of them verified, the other without what a host did not give, and a
    failure since."""
    there = ["pw_sample_production_database_data", "eu-1/pw_shop_production_database_data"]
    lack = {
        "host": "eu-2", "message": "the volumes of host eu-2: not in the backup: host eu-2 is away",
        "remedy": "see that it runs, then back up again",
    }  # fmt: skip
    for number, volumes, missing in ((1, None, []), (2, there, [lack])):
        kept = [f"0a1b2c{each:02}" for each in range(1, number + 1)]
        record(
            session, "portwright", MADE, None,
            snapshot=kept[-1], repository="/mnt/backups", bytes=12_400_000, added=31_000,
            seconds=4.2, volumes=volumes, paused_s=0.42 if volumes else 0.0, kept=kept,
            missing=missing,
        )  # fmt: skip
    record(session, "alice@example.org", VERIFIED, None, snapshot="0a1b2c01")
    record(
        session, "portwright", FAILED, None,
        what="backup", path="backup", message="the disk of the repository is full",
        remedy="make room there, then back up again",
    )  # fmt: skip
    session.commit()


def make_told(session: Session, settings: Settings) -> None:
    """What forges told of: three hooks, a delivery, and previews 7 (ready), 8 (a fork's) and 9
    (closed) of the project `sample`."""
    project = session.query(Project).filter_by(name="sample").one()
    project.repository = "/nowhere/sample.git"
    key = settings.key("vault-key")
    hooks = [
        create_hook(session, key, project, scheme, by=email("alice"))[0]
        for scheme in ("generic", "github", "gitlab")
    ]
    body = json.dumps({"ref": "refs/heads/main", "after": COMMIT, "by": HOSTILE}).encode()
    session.add(
        Delivery(
            hook=hooks[0], key="d1", event="push", outcome=f"deploys production {HOSTILE}",
            headers={"X-Portwright-Event": "push", "User-Agent": HOSTILE}, body=body,
        )
    )  # fmt: skip
    for number, state, fork in ((7, "open", False), (8, "held", True), (9, "closed", False)):
        environment = Environment(name=f"pr-{number}", kind="preview", policy="auto")
        project.environments.append(environment)
        session.add(
            Preview(
                project=project, environment=environment, number=number, state=state, fork=fork,
                title=f"Paint it {HOSTILE}", author=HOSTILE, head_branch="teal", base_branch="main",
                head_commit=COMMIT, url="https://git.example.org/sample/pulls/7",
                held="it is a fork's: a maintainer must let it run" if fork else None,
                expires_at=now() + timedelta(hours=40),
                closed=f"pull request {number} was merged" if state == "closed" else None,
                closed_at=now() if state == "closed" else None,
            )
        )  # fmt: skip
    session.commit()
