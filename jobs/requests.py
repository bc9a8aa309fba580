"""What people and hooks ask for. Each request is a row first; the doorbell only wakes a worker."""

from __future__ import annotations

import re
import secrets as random
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.ending import supersede
from jobs.hosts import placing
from jobs.models import Environment, Member, Project, Release, Run, Secret, User
from jobs.queries import release_numbered
from jobs.records import record
from stacks.errors import PortwrightError
from stacks.names import (
    HTTP_REPOSITORY,
    check_name,
    check_ref,
    check_secret_name,
    check_volume_name,
)

Doorbell = Callable[[int], None]
# Each with its priority: a way back goes before everything, a look at what drifted after it.
KINDS = {
    "plan": 1, "deploy": 1, "rollback": 2, "destroy": 1, "refresh": 1, "drift": 0, "reconcile": 1,
    "snapshot": 1,
}  # fmt: skip
# What would bring something to a host that was not there.
FIRST = ("plan", "deploy")
MOST_ENVIRONMENTS = 20
RESERVED = re.compile(r"previews|pr-[0-9]+")
LONGEST_SECRET = 65_536
PLAN_HASH = re.compile(r"[0-9a-f]{64}")


def create_project(
    session: Session,
    name: str,
    repository: str,
    branch: str,
    *,
    by: str,
    owner: User | None = None,
    host: str = "",
    host_label: str = "",
) -> Project:
    """Register a repository; its environment `production` comes with it.

    host: the name of the one that it is placed on; host_label: KEY=VALUE, of hosts that have it
    the one with the fewest projects. Neither: this machine.

    owner: who gets that role on it, in the same transaction. A path on this server is
    for its administrator and its host owner only.
    """
    check_name("name", name)
    check_ref("branch", branch)
    check_repository(repository)
    if repository.startswith("/") and owner is not None and not owner.host_owner:
        raise PortwrightError(
            "a path on this server is for its owner only",
            remedy="give the address of a repository on a forge",
            path="repository",
        )
    if session.scalar(select(Project).where(Project.name == name)):
        raise PortwrightError(
            f"a project {name!r} is there already", remedy="choose another name", path="name"
        )
    placed = placing.choose(session, host, host_label)
    project = Project(name=name, repository=repository, branch=branch, host=placed)
    project.environments.append(Environment(name="production"))
    session.add(project)
    if owner is not None:
        session.flush()
        session.add(Member(project_id=project.id, user_id=owner.id, role="owner"))
    on = {"host": placed.name} if placed else {}
    record(session, by, "project.created", name, repository=repository, branch=branch, **on)
    session.commit()
    return project


def check_repository(url: str) -> None:
    """An allowlist of transports: git runs programs for some of the others (ext::, see CVE-2017-1000117)."""
    absolute = re.fullmatch(r"/[A-Za-z0-9._/@+-]+", url) and ".." not in url
    remote = HTTP_REPOSITORY.fullmatch(url)
    ssh = re.fullmatch(
        r"(ssh://)?[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9.-]+[:/][A-Za-z0-9._/~-]+", url
    )
    if not (absolute or remote or ssh):
        raise PortwrightError(
            f"{url!r} is no repository that can be used",
            remedy="give https://host/path, git@host:path, or an absolute path on this server",
            path="repository",
        )


def request_run(
    session: Session, doorbell: Doorbell, environment: Environment, kind: str, **asked: Any
) -> Run:
    """Record a Run and wake a worker: add_run() in a transaction of its own."""
    run = add_run(session, environment, kind, **asked)
    session.commit()
    doorbell(run.id)
    return run


def add_run(
    session: Session,
    environment: Environment,
    kind: str,
    *,
    by: str,
    ref: str | None = None,
    release: int | None = None,
    plan: str | None = None,
    volumes: Iterable[str] = (),
    every_volume: bool = False,
    approved_by: str | None = None,
    automatic: str | None = None,
    images_of: int | None = None,
    begins: str = "",
    snapshot: dict[str, Any] | None = None,
    pull: bool = False,
    no_cache: bool = False,
) -> Run:
    """Record a Run; the caller commits, and wakes a worker after that. Deploys that wait for
    their turn there are superseded.

    ref: branch, tag or SHA of a plan or deploy (default: the environment's or project's branch).
    release: the number a rollback goes to; with kind `plan`, previews that rollback.
    plan: the hash of the plan agreed to. volumes: names that a destroy deletes too;
    every_volume: all of them. approved_by: who agreed to just that plan and may. automatic: why
    Portwright itself asks, which needs nobody's approval. images_of: the Run whose images a
    plan is made with, rather than with its own. begins: first digits of the commit that the
    branch must be at, else the Run fails. snapshot: of that kind of Run, what it keeps
    (stacks.spec.Seed). pull: ask registries for newer images, base images too. no_cache: build
    without the build cache.
    Raises PortwrightError where a value can't be used.
    """
    if kind not in KINDS:
        raise PortwrightError(
            f"{kind!r} is no kind of run", remedy=f"use one of {', '.join(KINDS)}", path="kind"
        )
    if ref is not None:
        check_ref("ref", ref)
    if plan is not None and not PLAN_HASH.fullmatch(plan):
        raise PortwrightError(
            "that is no plan's hash", remedy="give the 64 hex digits of the plan", path="plan"
        )
    if kind == "rollback" and release is None:
        raise PortwrightError(
            "no release given", remedy="name the release to go back to", path="release"
        )
    if release is not None:
        find_release(session, environment, release)
    # Of two requests at one moment the later one must see the earlier one's Run.
    session.scalar(select(Environment.id).where(Environment.id == environment.id).with_for_update())
    run = Run(
        environment=environment,
        kind=kind,
        ref=ref or (environment.branch or environment.project.branch if release is None else None),
        target=release,
        expected_plan=plan,
        approved_by=approved_by if plan else None,
        options={
            "volumes": [check_volume_name("volumes", name) for name in volumes],
            **({"automatic": automatic} if automatic else {}),
            **({"bound": True} if plan else {}),
            **({"every_volume": True} if every_volume else {}),
            **({"images_of": images_of} if images_of else {}),
            **({"begins": begins} if begins else {}),
            **({"snapshot": snapshot} if snapshot else {}),
            **({"pull": True} if pull else {}),
            **({"no_cache": True} if no_cache else {}),
        },
        requested_by=by,
        priority=KINDS[kind],
    )
    if environment.project.deleted_at is not None and kind != "destroy":
        raise PortwrightError(
            f"{environment.project.name} is being deleted",
            remedy="add the project again once it is gone",
            path="project",
        )
    if kind in FIRST:
        placing.check_first(session, environment)
    session.add(run)
    session.flush()
    supersede(session, run)
    record(session, by, f"run.{kind}", environment.project.name, run=run.id, release=release)
    return run


def find_release(session: Session, environment: Environment, number: int) -> Release:
    """The release of that number; raises PortwrightError where there is none."""
    found = release_numbered(session, environment, number)
    if not found:
        raise PortwrightError(
            f"there is no release {number}",
            remedy="choose a number from the list of releases",
            path="release",
        )
    return found


def allow_host_access(session: Session, project: Project, allowed: bool, *, by: User) -> None:
    """Let the project's services have power over the host, or no more.

    Raises PortwrightError for anybody but the host's owner.
    """
    if not by.host_owner:
        raise PortwrightError(
            "only the host's owner can allow this", remedy="ask the owner", path="host_access"
        )
    project.host_access = allowed
    record(session, by.email, "project.host_access", project.name, allowed=allowed)
    session.commit()


def add_environment(session: Session, project: Project, name: str, *, by: str) -> Environment:
    """A further environment of the project, with nothing deployed in it."""
    check_name("environment", name)
    if RESERVED.fullmatch(name):
        raise PortwrightError(
            f"{name!r} is a name for previews", remedy="choose another name", path="environment"
        )
    there = [each for each in project.environments if each.kind == "standing"]
    if any(each.name == name for each in there):
        raise PortwrightError(
            f"{project.name} has an environment {name!r} already",
            remedy="choose another name",
            path="environment",
        )
    if len(there) >= MOST_ENVIRONMENTS:
        raise PortwrightError(
            f"{project.name} has {len(there)} environments, which is the most",
            remedy="remove one first",
            path="environment",
        )
    environment = Environment(name=name)
    project.environments.append(environment)
    record(session, by, "environment.created", project.name, environment=name)
    session.commit()
    return environment


def set_secret(
    session: Session,
    vault_key: str,
    project: Project,
    name: str,
    value: str,
    *,
    by: str,
    environment: str | None = None,
) -> int:
    """Store a new version of a secret byte for byte; return its number. Earlier versions stay
    for rollback.

    environment: whose own it is, before the one that all share.
    Raises PortwrightError for a value that cannot be stored unchanged.
    """
    check_secret_name("name", name)
    check_secret_value(value)
    latest = session.scalar(
        select(func.max(Secret.version)).where(Secret.project_id == project.id, Secret.name == name)
    )
    version = (latest or 0) + 1
    sealed = Fernet(vault_key).encrypt(value.encode())
    session.add(
        Secret(
            project_id=project.id,
            name=name,
            version=version,
            sealed=sealed,
            environment=environment,
        )
    )
    record(
        session, by, "secret.set", project.name, name=name, version=version, environment=environment
    )
    session.commit()
    return version


def check_secret_value(value: str) -> None:
    """Refuse what no variable or file can hold unchanged. Errors never contain the value."""
    if not value:
        raise PortwrightError("the value is empty", remedy="Give a value.", path="value")
    if "\0" in value:
        raise PortwrightError(
            "the value contains a NUL byte, which environment variables cannot hold",
            remedy="Encode the value, for example with base64, and decode it in the application.",
            path="value",
        )
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise PortwrightError(
            "the value is not valid Unicode text (it contains a lone surrogate)",
            remedy="Encode the value, for example with base64, and decode it in the application.",
            path="value",
        ) from None
    if size > LONGEST_SECRET:
        raise PortwrightError(
            f"the value has {size} bytes; a secret can have 65536",
            remedy="Store the value elsewhere and keep only its key as a secret.",
            path="value",
        )


def generate_secret(session: Session, vault_key: str, project: Project, name: str) -> None:
    """Make a random secret where the project has none of that name."""
    known = select(Secret).where(Secret.project_id == project.id, Secret.name == name)
    if not session.scalar(known):
        set_secret(session, vault_key, project, name, random.token_urlsafe(24), by="portwright")
