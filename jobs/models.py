"""The tables. The database is the truth: Redis, logs and checkouts may be lost, this may not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


def now() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with its zone (SQLite forgets it)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        bytes: LargeBinary,
    }


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    host_owner: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ApiToken(Base):
    """A token of the command line; only its SHA-256 is kept."""

    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=now)
    user: Mapped[User] = relationship()


class Member(Base):
    """A user's role on a project: viewer, developer, maintainer or owner."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("project_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(20))


class Host(Base):
    """A machine with a Docker engine that projects are placed on. This machine's row, `local`, is
    made when it is first labelled or drained; projects placed on it have no host_id.

    address: ssh://USER@HOST[:PORT], None of this machine. labels: {key: value}. public_key: of the
    key that logs in there; sealed: its private half, encrypted. known_hosts: the keys that the
    machine shows, once a person has confirmed them; nothing connects to it before that. http_port,
    traefik_port: of its Traefik. drained_at: since when nothing new is placed there. checked_at:
    when it was last looked at; problem: why it could not be used then, {message, remedy}; facts:
    what it is, {docker, cpus, memory_mb, disk_free_mb, traefik, https} (jobs.hosts.certificates).
    """

    __tablename__ = "hosts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(24), unique=True)
    address: Mapped[str | None] = mapped_column(Text)
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    public_key: Mapped[str | None] = mapped_column(Text)
    sealed: Mapped[bytes | None]
    known_hosts: Mapped[str | None] = mapped_column(Text)
    http_port: Mapped[int] = mapped_column(default=80)
    traefik_port: Mapped[int] = mapped_column(default=8701)
    drained_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    problem: Mapped[dict[str, Any] | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Project(Base):
    """A git repository.

    host_id: the machine that its containers run on; None: this one. host_access: the host's owner lets its services have power over the host. deleted_at: its
    deletion was asked for; its name is free again once its containers are gone. previews: the
    settings of its previews (jobs.previews.policy).
    """

    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    repository: Mapped[str] = mapped_column(Text)
    branch: Mapped[str] = mapped_column(String(200))
    host_access: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None]
    previews: Mapped[dict[str, Any]] = mapped_column(default=dict)
    host_id: Mapped[int | None] = mapped_column(ForeignKey("hosts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    host: Mapped[Host | None] = relationship()
    environments: Mapped[list[Environment]] = relationship(
        back_populates="project", cascade="all, delete-orphan", order_by="Environment.id"
    )


class Environment(Base):
    """One Pulumi stack. `release` is the number that serves now, None before the first.

    kind: `standing`, or `preview` of a pull request. branch: whose pushes deploy it, None for
    none (production: the project's). filters: which of them, {branches, tags, paths} of patterns.
    policy: which plans are carried out unasked: `auto` (all), `destructive` (those that
    take no service or volume away), `always` (none). lease_run: the Run that is at work
    here, None where none is; lease_until: renewed while its worker lives; lease_token: counts
    up with each holder, so that a holder who was given up can change nothing any more.
    """

    __tablename__ = "environments"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20), default="standing")
    branch: Mapped[str | None] = mapped_column(String(200))
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    release: Mapped[int | None]
    policy: Mapped[str] = mapped_column(String(20), default="destructive")
    lease_token: Mapped[int] = mapped_column(default=0)
    lease_run: Mapped[int | None]
    lease_until: Mapped[datetime | None]
    project: Mapped[Project] = relationship(back_populates="environments")


class Secret(Base):
    """One version of a project's secret, encrypted. A Spec names the version it was frozen with.

    environment: the one it is for; None: all that have none of their own. Versions count
    over both, so that name and version are enough to find one.
    """

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("project_id", "name", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(128))
    environment: Mapped[str | None] = mapped_column(String(40))
    version: Mapped[int]
    sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Run(Base):
    """One execution. Only jobs.states changes `state`.

    kind: plan, deploy, rollback, destroy, refresh, drift or reconcile. ref: what was asked for (a branch,
    tag or SHA); commit: what it was. target: the release a rollback goes to.
    expected_plan: the hash of the plan that was agreed to, by approved_by; None where
    nobody agreed yet. options: what a destroy was told, {"volumes": [name, ...]}; why a
    rollback came by itself, {"automatic": cause}; {"bound": true} where it was asked for
    with a plan's hash and does nothing else; {"pull": true} where registries are asked for newer
    images, {"no_cache": true} where builds use no cache. error: {path, message, remedy}.
    priority: the larger goes first. attempts: how often a worker has begun it. token: of the
    lease under which it is at work. cancelled_by: who asked for its end. delivery_id: of the
    webhook that asked for it. told: the state that its forge was told last.
    """

    __tablename__ = "runs"
    __table_args__ = (Index("runs_by_environment", "environment_id", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environments.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="queued", index=True)
    ref: Mapped[str | None] = mapped_column(String(200))
    commit: Mapped[str | None] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(200))
    target: Mapped[int | None]
    expected_plan: Mapped[str | None] = mapped_column(String(64))
    approved_by: Mapped[str | None] = mapped_column(String(254))
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    spec: Mapped[dict[str, Any] | None]
    plan: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    release: Mapped[int | None]
    worker: Mapped[str | None] = mapped_column(String(150))
    token: Mapped[int | None]
    priority: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    cancelled_by: Mapped[str | None] = mapped_column(String(254))
    requested_by: Mapped[str] = mapped_column(String(254))
    delivery_id: Mapped[int | None] = mapped_column(
        ForeignKey("deliveries.id", ondelete="SET NULL"), index=True
    )
    told: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    environment: Mapped[Environment] = relationship()


class Release(Base):
    """A Spec that was applied, for good: number, frozen spec, and the Run with its plan and log."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("environment_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environments.id", ondelete="CASCADE"))
    number: Mapped[int]
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    spec: Mapped[dict[str, Any]]
    commit: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(200))
    rollback_of: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    run: Mapped[Run] = relationship()


class ProjectImage(Base):
    """An image that a registry gave to a project, or that was built for it, on one host.

    The engine's images are shared by all projects of a host: this table says who may use which.
    """

    __tablename__ = "project_images"
    __table_args__ = (
        Index("project_images_by_host", "project_id", "host_id", "kind", "name", unique=True),
        # To a unique index, no NULL equals another one.
        Index(
            "project_images_here",
            "project_id",
            "kind",
            "name",
            unique=True,
            sqlite_where=text("host_id IS NULL"),
            postgresql_where=text("host_id IS NULL"),
        ),
        Index("project_images_by_image", "image_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    # None: this machine.
    host_id: Mapped[int | None] = mapped_column(ForeignKey("hosts.id", ondelete="CASCADE"))
    # `pulled` or `built`.
    kind: Mapped[str] = mapped_column(String(10))
    # The canonical name of a pulled image, the key of a built one.
    name: Mapped[str] = mapped_column(String(500))
    # The repository that it was pulled from: a mirror's, where there is one.
    source: Mapped[str] = mapped_column(String(300), default="")
    # sha256:…, of the engine.
    image_id: Mapped[str] = mapped_column(String(80))
    # Of a pulled image, at its registry.
    digest: Mapped[str | None] = mapped_column(String(80))
    # What a built image is built on: name → digest.
    bases: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # The engine did not have it before Portwright: Portwright may remove it.
    fetched: Mapped[bool] = mapped_column(default=False)
    # When the registry was last asked for it.
    checked_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime] = mapped_column(default=now)


class Event(Base):
    """The audit trail: who did what to which project, when."""

    __tablename__ = "events"
    __table_args__ = (Index("events_by_action", "action", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(50))
    project: Mapped[str | None] = mapped_column(String(40), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Schedule(Base):
    """Work that is due again and again, and when it was last done: what was missed is done once."""

    __tablename__ = "schedules"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_at: Mapped[datetime]


class Health(Base):
    """How a service that serves is. restarts: of its containers, since they were made; told: how
    many of them an Event has told of; cause: what is wrong with it now, None where nothing is."""

    __tablename__ = "health"
    __table_args__ = (UniqueConstraint("environment_id", "service"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environments.id", ondelete="CASCADE"))
    service: Mapped[str] = mapped_column(String(40))
    restarts: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    cause: Mapped[str | None] = mapped_column(String(400))
    since: Mapped[datetime] = mapped_column(default=now)


class Source(Base):
    """How a project's repository is reached, and where its forge is told of what became of it.

    forge: github, gitlab, gitea, bitbucket or generic. api_url: of that forge; full_name:
    owner/name on it. sealed: credentials (jobs.sources.Credentials), encrypted. known_hosts: the
    pinned keys of its ssh server. heads: branch to commit, as last polled.
    quiet_until: the forge did not take what it was told, and is left alone until then. problem: why it could
    not be polled or told lately, {message, remedy}.
    """

    __tablename__ = "sources"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), unique=True
    )
    forge: Mapped[str] = mapped_column(String(20), default="generic")
    api_url: Mapped[str | None] = mapped_column(Text)
    full_name: Mapped[str | None] = mapped_column(String(300))
    sealed: Mapped[bytes | None]
    public_key: Mapped[str | None] = mapped_column(Text)
    known_hosts: Mapped[str | None] = mapped_column(Text)
    submodules: Mapped[bool] = mapped_column(default=False)
    lfs: Mapped[bool] = mapped_column(default=False)
    poll_minutes: Mapped[int] = mapped_column(default=10)
    heads: Mapped[dict[str, Any]] = mapped_column(default=dict)
    polled_at: Mapped[datetime | None]
    quiet_until: Mapped[datetime | None]
    problem: Mapped[dict[str, Any] | None]
    project: Mapped[Project] = relationship()


class RegistryCredential(Base):
    """How images of one registry are fetched for one project (jobs.registries)."""

    __tablename__ = "registry_credentials"
    __table_args__ = (UniqueConstraint("project_id", "host"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    # As image names spell it, in lower case: ghcr.io, registry.example.com:5000.
    host: Mapped[str] = mapped_column(String(260))
    # Empty where kind is "none".
    username: Mapped[str] = mapped_column(String(255))
    # "password", "command" (prints a password), or "none" (only the CA is set).
    kind: Mapped[str] = mapped_column(String(20))
    # JSON, encrypted: the password, the command's argv list, or null.
    sealed: Mapped[bytes]
    # PEM certificates that the Docker engine trusts for this registry.
    ca: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str] = mapped_column(String(254))


class Hook(Base):
    """Where a forge tells of a project's pushes and pull requests.

    address: the unguessable end of its URL. scheme: the forge whose way of signing is asked for.
    sealed: the secret that signs what is sent, encrypted; sealed_before: the one before, which
    counts too until the forge has the new one. forge_id: its id on the forge, where we made it.
    """

    __tablename__ = "hooks"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    scheme: Mapped[str] = mapped_column(String(20), default="generic")
    address: Mapped[str] = mapped_column(String(64), unique=True)
    sealed: Mapped[bytes]
    sealed_before: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    forge_id: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=now)
    project: Mapped[Project] = relationship()


class Delivery(Base):
    """What a forge sent once: the same delivery again makes no second Run.

    key: the sender's own id of it; most sign the body only, so a replay may have another key:
    digest, of the body in hex, is another reason to know it again (None: worked through twice
    on purpose). event: its kind in a word; outcome: what came of it, in words. headers, body: as they came,
    without what signs or authorizes; they go after a while, the row stays. redelivery_of: the
    delivery whose body was worked through again because somebody asked.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("hook_id", "key"),
        UniqueConstraint("hook_id", "digest"),
        Index("deliveries_by_moment", "hook_id", "received_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    hook_id: Mapped[int] = mapped_column(ForeignKey("hooks.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str | None] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(40), default="")
    outcome: Mapped[str] = mapped_column(Text, default="")
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[bytes | None]
    redelivery_of: Mapped[int | None]
    received_at: Mapped[datetime] = mapped_column(default=now)
    hook: Mapped[Hook] = relationship()


class Preview(Base):
    """A pull request and the environment that shows it.

    state: `open`, `held` (nothing runs yet; held: why) or `closed` (closed: why). fork: its
    branch is somebody else's. approved_commit: the commit of a fork that a maintainer let run.
    expires_at: when it goes by itself, None for never. asleep: its containers are stopped until
    somebody asks for it (wake_at). requests, seen_at: how many requests it has had, and when the
    last came. seeded: its seed commands have run. comment_id, comment_digest: the comment on
    the forge, and what it says. compared: the Run with the plan against production.
    gone_at: when nothing of a closed one was left.
    """

    __tablename__ = "previews"
    __table_args__ = (UniqueConstraint("project_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    environment_id: Mapped[int] = mapped_column(
        ForeignKey("environments.id", ondelete="CASCADE"), unique=True
    )
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(200), default="")
    head_branch: Mapped[str] = mapped_column(String(200))
    base_branch: Mapped[str] = mapped_column(String(200))
    head_commit: Mapped[str] = mapped_column(String(40))
    author: Mapped[str] = mapped_column(String(100), default="")
    url: Mapped[str] = mapped_column(Text, default="")
    fork: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="open", index=True)
    held: Mapped[str | None] = mapped_column(Text)
    closed: Mapped[str | None] = mapped_column(Text)
    approved_commit: Mapped[str | None] = mapped_column(String(40))
    expires_at: Mapped[datetime | None]
    asleep: Mapped[bool] = mapped_column(default=False)
    wake_at: Mapped[datetime | None]
    requests: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    seeded: Mapped[bool] = mapped_column(default=False)
    comment_id: Mapped[str | None] = mapped_column(String(100))
    comment_digest: Mapped[str | None] = mapped_column(String(64))
    compared: Mapped[int | None]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    environment: Mapped[Environment] = relationship()
    project: Mapped[Project] = relationship()
