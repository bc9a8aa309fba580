"""`portwright.yaml`: what a repository asks for, validated field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from stacks.fields import Duration, Name, Rule
from stacks.graph import deploy_order
from stacks.references import References, SecretPart, check_references
from stacks.service_file import Domain, Env, Model, Resources, Service, short

FILE_NAME = "portwright.yaml"
PREVIEWS = "previews"


class ServicePatch(Model):
    """What differs for a service in one environment."""

    env: Env = Field({}, description="further variables, or others")
    domains: (
        Annotated[list[Annotated[Domain, short("host", Domain)]], Field(max_length=50)] | None
    ) = Field(None, description="instead of the service's")
    replicas: Annotated[int, Field(ge=1, le=20)] | None = Field(
        None, description="instead of the service's"
    )
    resources: Resources | None = Field(None, description="instead of the service's")


class EnvironmentPatch(Model):
    """What differs in one environment."""

    env: Env = Field({}, description="further variables of every service, or others")
    services: dict[Name, ServicePatch] = Field({}, description="service → what differs")


class Seed(Model):
    """A command that fills a new preview's data, once, before anybody looks at it."""

    service: Name = Field(description="in whose container it runs, once that is healthy")
    command: Annotated[list[str], Field(min_length=1, max_length=100)] = Field(
        description="the command and its arguments"
    )
    snapshot: Name | None = Field(
        None,
        description="the command reads this snapshot from its standard input "
        "(`portwright snapshots take`); a fork's preview goes without",
    )


class PreviewsFile(Model):
    """What only previews of pull requests have."""

    seed: Annotated[list[Seed], Field(max_length=20)] = Field(
        [], description="run in order when a preview is new"
    )


class ProjectFile(Model):
    """The whole file."""

    name: Name = Field(description="the project's name, as it was registered")
    env: Env = Field({}, description="variables of every service; a service's own go before")
    services: Annotated[dict[Name, Service], Field(min_length=1, max_length=100)] = Field(
        description="name → service; 1 to 100 of them"
    )
    environments: Annotated[dict[Name, EnvironmentPatch], Field(max_length=20)] = Field(
        {},
        description="environment → what differs there. `domains` of a service are `production`'s "
        "unless they stand here; `previews` are those of pull requests, all of them",
    )
    previews: PreviewsFile = Field(
        PreviewsFile(), description="previews of pull requests: what fills their databases"
    )
    rollback_window: Duration = Field(
        "1m",
        description="how long a new release is watched: one that restarts or is unhealthy in that "
        "time is rolled back by itself. `0s`: not at all",
    )

    @model_validator(mode="after")
    def consistent(self) -> ProjectFile:
        for name, service in self.services.items():
            for other, dependency in service.depends_on.items():
                path = f"services.{name}.depends_on"
                if other not in self.services:
                    raise Rule(
                        f"{path}: there is no service {other!r}",
                        f"choose from {', '.join(sorted(self.services))}",
                    )
                target = self.services[other]
                if target.cron:
                    raise Rule(f"{path}: {other!r} is a cron job", "depend on what stays up")
                if (dependency.condition == "completed") != target.once and dependency.condition:
                    raise Rule(
                        f"{path}.{other}: can't be {dependency.condition}",
                        "completed is for a service with restart: no, and only for such a one",
                    )
                if dependency.condition == "healthy" and not has_check(target):
                    raise Rule(
                        f"{path}.{other}: {other!r} has no healthcheck", "give it one, or started"
                    )
        for seed in self.previews.seed:
            if seed.service not in self.services:
                raise Rule(
                    f"previews.seed: there is no service {seed.service!r}",
                    f"choose from {', '.join(sorted(self.services))}",
                )
        deploy_order({name: service.depends_on for name, service in self.services.items()})
        for environment, patch in self.environments.items():
            for name in patch.services:
                if name not in self.services:
                    raise Rule(
                        f"environments.{environment}.services: there is no service {name!r}",
                        f"choose from {', '.join(sorted(self.services))}",
                    )
        for environment in {"production", *self.environments}:
            services = self.services_in(environment)
            check_routes(services)
            check_references(services)
        return self

    def services_in(self, environment: str, *, preview: bool = False) -> dict[str, Service]:
        """The services as they are in an environment: shared variables and differences put in.

        preview: what it publishes on ports of the host is production's and left out.
        """
        environment = PREVIEWS if preview else environment
        patch = self.environments.get(environment, EnvironmentPatch())
        found = {}
        for name, service in self.services.items():
            own = patch.services.get(name, ServicePatch())
            changed: dict[str, object] = {
                "env": {**self.env, **patch.env, **service.env, **own.env}
            }
            if environment != "production":
                changed["domains"] = []
            if preview:
                changed["publish"] = []
            for field in ("domains", "replicas", "resources"):
                if getattr(own, field) is not None:
                    changed[field] = getattr(own, field)
            # Validated again: three replicas of what has a volume are as wrong here.
            data = {**dict(service), **changed}
            found[name] = Service.model_validate(data)
        return found


def secrets_named(services: Mapping[str, Service]) -> set[str]:
    """Names of all secrets that the services' variables and builds need."""
    found = set()
    references = References(services, {name: name for name in services})
    for name, service in services.items():
        for key in service.env:
            parts = references.variable(name, key)
            found |= {part.secret for part in parts if isinstance(part, SecretPart)}
        if service.build:
            given = (*service.build.secrets.values(), *service.build.ssh.values())
            found |= {each.secret for each in given}
    return found


def has_check(service: Service) -> bool:
    """False only where there surely is none: an image may bring its own."""
    return service.healthcheck is not False


def check_routes(services: dict[str, Service]) -> None:
    """No two services answer to the same host and path."""
    owners: dict[tuple[str, str], str] = {}
    for name, service in services.items():
        for domain in service.domains:
            key = (domain.host, domain.path or "")
            if owners.setdefault(key, name) != name or list(
                d for d in service.domains if (d.host, d.path or "") == key
            ) != [domain]:
                raise Rule(
                    f"services.{name}: {''.join(key)} is {owners[key]}'s already",
                    "let one service have it, once",
                )
