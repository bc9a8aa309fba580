"""The frozen Spec: one environment's whole definition, resolved, so that applying it twice is the same.

Secrets are named with their version; their values are only put in when resources are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from stacks.graph import deploy_order
from stacks.service_file import Condition, Healthcheck, HostAccess, Logs, Publish, Resources

NOT_IN_A_CONTAINER = {
    "introduced", "generation", "image_ref", "replicas", "depends_on", "drain", "image_check",
    "tls", "digest", "bases", "dockerfile",
}  # fmt: skip


class Frozen(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SecretVersion(Frozen):
    """quoted: the value goes into a URL."""

    secret: str
    version: int
    quoted: bool = False


class Template(Frozen):
    """A text with secrets in it."""

    parts: list[SecretVersion | str]


Value = SecretVersion | Template | str


def secrets_in(value: Value) -> list[SecretVersion]:
    parts = value.parts if isinstance(value, Template) else [value]
    return [part for part in parts if isinstance(part, SecretVersion)]


class Route(Frozen):
    """A host (and path prefix) that reaches the service, or sends visitors to another host.

    guard: who may look: `password:` and a bcrypt hash, or `members:` and the address that is
    asked about each request; None: everybody.
    """

    host: str
    path: str | None = None
    strip: bool = False
    redirect: str | None = None
    guard: str | None = None

    @model_serializer(mode="wrap")
    def without_guard(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was frozen before there were guards is as it was."""
        data: dict[str, Any] = dump(self)
        return data if self.guard else {k: v for k, v in data.items() if k != "guard"}


class Need(Frozen):
    condition: Condition
    cascade: bool = False


class ServiceSpec(Frozen):
    """A service, resolved.

    image: the engine's ID (sha256:…); image_ref: what it was called; source: the git tree
    it was built from. digest: of a pulled image, at its registry; bases: of a built one, the
    images that it is built on, name → digest; dockerfile: the generated one. image_check: the image brings its own healthcheck.
    introduced: the release that brought this definition in.
    generation: the Run that did; router names and priority come from it.
    tls: its labels have routers for HTTPS. A generation from before these keeps its labels.
    """

    image: str
    image_ref: str
    source: str | None = None
    digest: str | None = None
    bases: dict[str, str] = {}
    dockerfile: str | None = None
    command: list[str] | None = None
    entrypoint: list[str] | None = None
    working_dir: str | None = None
    user: str | None = None
    init: bool = False
    read_only: bool = False
    tmpfs: list[str] = []
    shm_size: str | None = None
    env: dict[str, Value] = {}
    port: int | None = None
    routes: list[Route] = []
    publish: list[Publish] = []
    volumes: dict[str, str] = {}
    host: HostAccess | None = None
    healthcheck: Healthcheck | None = None
    image_check: bool = False
    depends_on: dict[str, Need] = {}
    replicas: int = 1
    resources: Resources = Resources()
    restart: str = "unless-stopped"
    logs: Logs = Logs()
    release: list[str] | None = None
    cron: str | None = None
    drain: str = "3s"
    stop_grace: str = "10s"
    introduced: int = 0
    generation: int = 0
    tls: bool = False

    @property
    def fingerprint(self) -> str:
        """A hash of what a container is made of: it moves when, and only when, one must be replaced."""
        data = self.model_dump(mode="json", exclude=NOT_IN_A_CONTAINER)
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @property
    def once(self) -> bool:
        """Runs to its end once per change."""
        return self.restart == "no" and self.cron is None

    @property
    def exclusive(self) -> bool:
        """Only one container can hold what it needs: the old one is stopped first."""
        return bool(self.volumes or self.publish or (self.host and self.host.network))


class Seed(Frozen):
    """A command that fills a new preview's data; snapshot: what it reads from its standard input."""

    service: str
    command: list[str]
    snapshot: str | None = None


class Spec(Frozen):
    project: str
    environment: str
    commit: str
    subject: str = ""
    services: dict[str, ServiceSpec]
    rollback_window: str = "0s"
    seeds: list[Seed] = []

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @property
    def order(self) -> list[str]:
        return deploy_order({name: each.depends_on for name, each in self.services.items()})


@dataclass(frozen=True)
class BuiltImage:
    """An image of a service.

    id: sha256:…; ref: the name a person knows; source: the git tree it came from; check: it has
    a healthcheck of its own. digest: of a pulled image, at its registry. bases: of a built one,
    name → digest. unchecked: names of tags that the registry was not asked for in this run.
    dockerfile: the generated one, where the repository has none.
    """

    id: str
    ref: str
    source: str | None = None
    check: bool = False
    digest: str | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    dockerfile: str | None = None


def number(
    spec: Spec,
    current: Spec | None,
    *,
    release: int,
    generation: int,
    drifted: Collection[str] = (),
) -> Spec:
    """Give each service the release and generation that brought its definition in.

    A service that is as it is in `current` keeps both. A changed one gets the new
    generation; its `introduced` stays where the spec has one already (a rollback).
    What drifted on the host, or cascades from a service that gets a new generation, gets
    one too; so does what gets fewer replicas, since Traefik would go on sending requests
    to the one that ends.
    """
    services: dict[str, ServiceSpec] = {}
    for name in spec.order:
        service = spec.services[name]
        before = current.services.get(name) if current else None
        pushed = any(
            need.cascade and services[other].generation == generation
            for other, need in service.depends_on.items()
        )
        if before and before.fingerprint == service.fingerprint:
            fewer = bool(service.routes) and service.replicas < before.replicas
            new = pushed or fewer or name in drifted
            kept = generation if new else before.generation
            tls = new or before.tls
            marks = {"introduced": before.introduced, "generation": kept, "tls": tls}
        else:
            introduced = service.introduced or release
            marks = {"introduced": introduced, "generation": generation, "tls": True}
        services[name] = service.model_copy(update=marks)
    return spec.model_copy(update={"services": {name: services[name] for name in spec.services}})


def all_secrets(*specs: Spec | None) -> Mapping[tuple[str, int], None]:
    """(name, version) of each secret that the specs name."""
    return {
        (secret.secret, secret.version): None
        for spec in specs
        if spec
        for service in spec.services.values()
        for value in service.env.values()
        for secret in secrets_in(value)
    }
