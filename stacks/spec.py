"""The frozen Spec: one environment's whole definition, resolved, so that applying it twice is the same.

Secrets are named with their version; their values are only put in when resources are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from stacks.errors import PortwrightError
from stacks.project_file import Healthcheck, ProjectFile, SecretRef


class Frozen(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SecretVersion(Frozen):
    secret: str
    version: int


class ServiceSpec(Frozen):
    """A service, resolved.

    image: the engine's ID (sha256:…); image_ref: what it was called; source: the git tree
    it was built from. introduced: the release that brought this definition in.
    generation: the Run that did; router names and priority come from it.
    """

    image: str
    image_ref: str
    source: str | None = None
    command: list[str] | None = None
    env: dict[str, SecretVersion | str] = {}
    port: int | None = None
    hosts: list[str] = []
    volumes: dict[str, str] = {}
    healthcheck: Healthcheck | None = None
    depends_on: list[str] = []
    replicas: int = 1
    drain: str = "3s"
    introduced: int = 0
    generation: int = 0

    @property
    def fingerprint(self) -> str:
        """A hash of the definition alone: it moves when, and only when, the service changes."""
        data = self.model_dump(mode="json", exclude={"introduced", "generation", "image_ref"})
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


class Spec(Frozen):
    project: str
    environment: str
    commit: str
    subject: str = ""
    services: dict[str, ServiceSpec]

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class BuiltImage:
    """id: sha256:…; ref: the name a person knows; source: the git tree it came from."""

    id: str
    ref: str
    source: str | None = None


def freeze(
    wanted: ProjectFile,
    *,
    environment: str,
    commit: str,
    subject: str,
    images: Mapping[str, BuiltImage],
    secret_versions: Mapping[str, int],
) -> Spec:
    """Resolve a project file; raises PortwrightError where a secret it names is not set."""
    services = {}
    for name, service in wanted.services.items():
        env: dict[str, SecretVersion | str] = {}
        for key, value in service.env.items():
            if isinstance(value, SecretRef):
                if value.secret not in secret_versions:
                    raise PortwrightError(
                        f"the secret {value.secret!r} is not set",
                        remedy=f"portwright secrets set {wanted.name} {value.secret}",
                        path=f"services.{name}.env.{key}",
                    )
                version = secret_versions[value.secret]
                env[key] = SecretVersion(secret=value.secret, version=version)
            else:
                env[key] = value
        services[name] = ServiceSpec(
            image=images[name].id,
            image_ref=images[name].ref,
            source=images[name].source,
            command=service.command,
            env=env,
            port=service.port,
            hosts=hosts(wanted.name, environment, name, service.domains) if service.port else [],
            volumes=service.volumes,
            healthcheck=service.healthcheck,
            depends_on=sorted(service.depends_on),
            replicas=service.replicas,
            drain=service.drain,
        )
    return Spec(
        project=wanted.name,
        environment=environment,
        commit=commit,
        subject=subject,
        services=services,
    )


def hosts(project: str, environment: str, service: str, domains: list[str]) -> list[str]:
    """A service's host names; `*.localhost` is this machine everywhere (RFC 6761)."""
    scope = project if environment == "production" else f"{environment}-{project}"
    return [f"{service}.{scope}.localhost", *domains]


def number(spec: Spec, current: Spec | None, *, release: int, generation: int) -> Spec:
    """Give each service the release and generation that brought its definition in.

    A service that is as it is in `current` keeps both. A changed one gets the new
    generation; its `introduced` stays where the spec has one already (a rollback).
    """
    services = {}
    for name, service in spec.services.items():
        before = current.services.get(name) if current else None
        if before and before.fingerprint == service.fingerprint:
            marks = {"introduced": before.introduced, "generation": before.generation}
        else:
            marks = {"introduced": service.introduced or release, "generation": generation}
        services[name] = service.model_copy(update=marks)
    return spec.model_copy(update={"services": services})
