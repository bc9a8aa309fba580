"""A Spec becomes Docker resources. Pure: the same Spec gives the same resources, in the same order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from stacks.health import healthcheck_args, seconds
from stacks.project_file import deploy_order
from stacks.spec import SecretVersion, ServiceSpec, Spec

Kind = Literal["Network", "Volume", "Container"]
# Names have no "_" in them, so that no two sets of names ever join to the same one.
SEPARATOR = "_"
LOG_OPTIONS = {"max-size": "10m", "max-file": "3"}
GRACE_SECONDS = 10
SETTLE_SECONDS = 3.0


@dataclass(frozen=True)
class Resource:
    """One Docker resource.

    args: pulumi_docker's keyword arguments; a SecretEnv stands where a secret's value goes.
    facts: the same thing in a person's words, path -> value: what a Plan shows.
    delete_first: the old one must be gone before the new one starts.
    drain: seconds an old container keeps what it holds after the new one has taken over.
    settle: seconds that a new one without a healthcheck is watched before the old one goes.
    """

    kind: Kind
    name: str
    service: str
    args: dict[str, Any]
    facts: dict[str, Any]
    depends_on: tuple[str, ...] = ()
    delete_first: bool = False
    retain: bool = False
    drain: float = 0.0
    settle: float = 0.0
    router: str = ""


@dataclass(frozen=True)
class SecretEnv:
    """`key=` the value of a secret's version, filled in by the engine's caller."""

    key: str
    secret: SecretVersion


@dataclass(frozen=True)
class Scope:
    """What an instance's names and labels are made of."""

    instance: str
    project: str
    environment: str
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return SEPARATOR.join([self.instance, self.project, self.environment])

    def label_list(self, **more: str) -> list[dict[str, str]]:
        named = {f"portwright.{key}": value for key, value in more.items()}
        labels = {
            "portwright.instance": self.instance,
            "portwright.project": self.project,
            "portwright.environment": self.environment,
            **named,
            **self.labels,
        }
        return [{"label": key, "value": labels[key]} for key in sorted(labels)]


def compile_spec(spec: Spec, instance: str) -> tuple[Resource, ...]:
    """Every resource of the environment, each after what it depends on."""
    scope = Scope(instance, spec.project, spec.environment)
    network = Resource(
        kind="Network",
        name=scope.prefix,
        service="",
        args={"name": scope.prefix, "driver": "bridge", "labels": scope.label_list()},
        facts={"driver": "bridge"},
    )
    order = deploy_order({name: s.depends_on for name, s in spec.services.items()})
    volumes = [
        volume(scope, name, key, path)
        for name in order
        for key, path in sorted(spec.services[name].volumes.items())
    ]
    containers: list[Resource] = []
    for name in order:
        service = spec.services[name]
        behind = [c.name for c in containers if c.service in service.depends_on]
        own = [v.name for v in volumes if v.service == name]
        for index in range(1, service.replicas + 1):
            containers.append(
                container(scope, name, service, index, network.name, (network.name, *own, *behind))
            )
    return (network, *volumes, *containers)


def volume_name(scope: Scope, service: str, key: str) -> str:
    return SEPARATOR.join([scope.prefix, service, key])


def volume(scope: Scope, service: str, key: str, path: str) -> Resource:
    name = volume_name(scope, service, key)
    return Resource(
        kind="Volume",
        name=name,
        service=service,
        args={"name": name, "labels": scope.label_list(service=service, volume=key)},
        facts={"mounted at": path},
        retain=True,
    )


def container(
    scope: Scope,
    name: str,
    service: ServiceSpec,
    index: int,
    network: str,
    depends_on: tuple[str, ...],
) -> Resource:
    router = SEPARATOR.join([scope.prefix, name, f"g{service.generation}"]) if service.hosts else ""
    labels = scope.label_list(service=name, generation=str(service.generation))
    args: dict[str, Any] = {
        "image": service.image,
        "envs": environment_list(scope, name, service),
        "labels": labels + route_labels(router, network, service),
        "networks_advanced": [{"name": network, "aliases": [name]}],
        "restart": "unless-stopped",
        "must_run": True,
        "log_driver": "local",
        "log_opts": LOG_OPTIONS,
        "destroy_grace_seconds": GRACE_SECONDS,
        "remove_volumes": False,
    }
    if service.command is not None:
        args["command"] = service.command
    if service.volumes:
        args["volumes"] = [
            {"volume_name": volume_name(scope, name, key), "container_path": path}
            for key, path in sorted(service.volumes.items())
        ]
    if service.healthcheck:
        args |= healthcheck_args(service.healthcheck, service.port or 0)
    return Resource(
        kind="Container",
        name=SEPARATOR.join([scope.prefix, name, *([str(index)] if index > 1 else [])]),
        service=name,
        args=args,
        facts=facts(service),
        depends_on=depends_on,
        delete_first=bool(service.volumes),
        drain=seconds(service.drain) if router else 0.0,
        settle=0.0 if service.healthcheck else SETTLE_SECONDS,
        router=router,
    )


def environment_list(scope: Scope, name: str, service: ServiceSpec) -> list[str | SecretEnv]:
    """`KEY=value` in order of KEY; what Portwright tells every service stands among them."""
    told: dict[str, str | SecretVersion] = {
        "PORTWRIGHT_PROJECT": scope.project,
        "PORTWRIGHT_ENVIRONMENT": scope.environment,
        "PORTWRIGHT_SERVICE": name,
        "PORTWRIGHT_RELEASE": str(service.introduced),
    }
    env = {**told, **service.env}
    return [
        SecretEnv(key, value) if isinstance(value, SecretVersion) else f"{key}={value}"
        for key, value in sorted(env.items())
    ]


def route_labels(router: str, network: str, service: ServiceSpec) -> list[dict[str, str]]:
    """Traefik's labels. The router's name and priority rise with the generation, so that the
    newest healthy one wins and no two containers ever give one router different values."""
    if not router:
        return []
    rule = " || ".join(f"Host(`{host}`)" for host in service.hosts)
    labels = {
        "traefik.enable": "true",
        "traefik.docker.network": network,
        f"traefik.http.routers.{router}.rule": rule,
        f"traefik.http.routers.{router}.entrypoints": "web",
        f"traefik.http.routers.{router}.priority": str(1000 + service.generation),
        f"traefik.http.routers.{router}.service": router,
        f"traefik.http.services.{router}.loadbalancer.server.port": str(service.port),
    }
    return [{"label": key, "value": labels[key]} for key in sorted(labels)]


def facts(service: ServiceSpec) -> dict[str, Any]:
    """The service in a person's words. Secrets appear by name and version only."""
    shown: dict[str, Any] = {
        "image": service.image,
        "image name": service.image_ref,
        "command": service.command,
        "port": service.port,
        "hosts": service.hosts or None,
        "drain": service.drain if service.hosts else None,
    }
    shown |= {f"env.{key}": value for key, value in sorted(service.env.items())}
    shown |= {f"volumes.{key}": path for key, path in sorted(service.volumes.items())}
    if service.healthcheck:
        check = service.healthcheck.model_dump(mode="json", exclude_none=True)
        shown |= {f"healthcheck.{key}": value for key, value in check.items()}
    return {path: value for path, value in shown.items() if value is not None}
