"""A Spec becomes Docker resources. Pure: the same Spec gives the same resources, in the same order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from stacks.fields import megabytes
from stacks.health import IMAGE_PATIENCE, healthcheck_args, seconds
from stacks.routes import route_facts, route_labels
from stacks.service_file import HostAccess
from stacks.spec import SecretVersion, ServiceSpec, Spec, Template, Value

Kind = Literal["Network", "Volume", "Container"]
# Names have no "_" in them, so that no two sets of names ever join to the same one.
SEPARATOR = "_"
CPU_SHARES = 1024  # Docker's weight of one whole core that is reserved
SETTLE_SECONDS = 3.0
# Facts that say which image it is, in other words than its ID; they replace no container.
IMAGE_ORIGIN = ("image name", "image digest")
BASE = "base image "


@dataclass(frozen=True)
class Resource:
    """One Docker resource.

    args: pulumi_docker's keyword arguments; a SecretEnv stands where a secret's value goes.
    facts: the same thing in a person's words, path -> value: what a Plan shows.
    delete_first: the old one must be gone before the new one starts.
    drain: seconds an old container keeps what it holds after the new one has taken over.
    settle: seconds that a new one without a healthcheck is watched before the old one goes.
    release: a command that runs in a container like this one before it is made.
    awaits: (service, generation, condition) that must be so before it is made.
    pids: its limit of processes, which the provider can't set.
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
    release: tuple[str, ...] = ()
    awaits: tuple[tuple[str, int, str], ...] = ()
    pids: int | None = None


@dataclass(frozen=True)
class SecretEnv:
    """`key=` a text with secrets' values in it, filled in by the engine's caller."""

    key: str
    value: SecretVersion | Template


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
    volumes = [
        volume(scope, name, key, path)
        for name in spec.order
        for key, path in sorted(spec.services[name].volumes.items())
    ]
    containers: list[Resource] = []
    for name in spec.order:
        service = spec.services[name]
        # What only has to be started is waited for by `awaits`, beside the engine's own order.
        behind = {
            other for other, need in service.depends_on.items() if need.condition != "started"
        }
        needs = (
            network.name,
            *(v.name for v in volumes if v.service == name),
            *(c.name for c in containers if c.service in behind),
        )
        for index in range(1, service.replicas + 1):
            made = container(scope, spec, name, index, network.name, needs)
            containers.append(made)
            if made.release:
                needs = (*needs, made.name)
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
    scope: Scope, spec: Spec, name: str, index: int, network: str, depends_on: tuple[str, ...]
) -> Resource:
    service = spec.services[name]
    routed = bool(service.routes)
    router = SEPARATOR.join([scope.prefix, name, f"g{service.generation}"]) if routed else ""
    idle = service.once or service.cron is not None
    args: dict[str, Any] = {
        "image": service.image,
        "envs": environment_list(scope, name, service),
        "labels": label_list(scope, name, service, network, router),
        "networks_advanced": [{"name": network, "aliases": [name]}],
        "restart": "no" if idle else service.restart,
        "must_run": not idle,
        "log_driver": "local",
        "log_opts": {
            "max-size": service.logs.max_size.lower(),
            "max-file": str(service.logs.max_files),
        },
        "destroy_grace_seconds": round(seconds(service.stop_grace)),
        "remove_volumes": False,
        **limits(service),
    }
    if service.cron:
        args["start"] = False
    args |= process(service)
    if service.host:
        args |= host_access(service.host)
        if service.host.network:
            del args["networks_advanced"]
    if service.publish:
        args["ports"] = [
            {
                "internal": each.container,
                "external": each.host,
                "ip": each.address,
                "protocol": each.protocol,
            }
            for each in sorted(service.publish, key=lambda each: (each.container, each.host))
        ]
    mounts: list[dict[str, Any]] = [
        {"volume_name": volume_name(scope, name, key), "container_path": path}
        for key, path in sorted(service.volumes.items())
    ]
    for each in service.host.mounts if service.host else ():
        mounts.append(
            {"host_path": each.source, "container_path": each.target, "read_only": each.read_only}
        )
    if mounts:
        args["volumes"] = mounts
    if service.healthcheck:
        args |= healthcheck_args(service.healthcheck, service.port or 0)
    elif service.image_check and not idle:
        args |= {"wait": True, "wait_timeout": IMAGE_PATIENCE}
    return Resource(
        kind="Container",
        name=SEPARATOR.join([scope.prefix, name, *([str(index)] if index > 1 else [])]),
        service=name,
        args=args,
        facts=facts(service),
        depends_on=depends_on,
        delete_first=service.exclusive or idle,
        drain=seconds(service.drain) if router else 0.0,
        settle=0.0 if service.healthcheck or service.image_check or idle else SETTLE_SECONDS,
        router=router,
        release=tuple(service.release or ()) if index == 1 else (),
        awaits=tuple(
            (other, spec.services[other].generation, need.condition)
            for other, need in sorted(service.depends_on.items())
            if need.condition != "healthy"
        ),
        pids=service.resources.limits.pids,
    )


def process(service: ServiceSpec) -> dict[str, Any]:
    """What is run and as whom; what is not asked for is left to the image."""
    asked = {
        "command": service.command,
        "entrypoints": service.entrypoint,
        "working_dir": service.working_dir,
        "user": service.user,
        "init": service.init or None,
        "read_only": service.read_only or None,
        "tmpfs": {path: "" for path in sorted(service.tmpfs)} or None,
        "shm_size": megabytes(service.shm_size) if service.shm_size else None,
    }
    return {key: value for key, value in asked.items() if value is not None}


def host_access(wanted: HostAccess) -> dict[str, Any]:
    asked = {
        "privileged": wanted.privileged or None,
        "network_mode": "host" if wanted.network else None,
        "pid_mode": "host" if wanted.pid else None,
        "ipc_mode": "host" if wanted.ipc else None,
        "devices": [
            {"host_path": path, "container_path": path, "permissions": "rwm"}
            for path in sorted(wanted.devices)
        ]
        or None,
        "capabilities": {
            "adds": sorted(f"CAP_{name.removeprefix('CAP_')}" for name in wanted.capabilities)
        }
        if wanted.capabilities
        else None,
    }
    return {key: value for key, value in asked.items() if value is not None}


def limits(service: ServiceSpec) -> dict[str, Any]:
    most, least = service.resources.limits, service.resources.reservations
    found: dict[str, Any] = {}
    if most.memory:
        # As much swap as memory would double the limit: none.
        found |= {"memory": megabytes(most.memory), "memory_swap": megabytes(most.memory)}
    if least.memory:
        found["memory_reservation"] = megabytes(least.memory)
    if most.cpu:
        found["cpus"] = f"{most.cpu:g}"
    if least.cpu:
        found["cpu_shares"] = max(2, round(least.cpu * CPU_SHARES))
    return found


def label_list(
    scope: Scope, name: str, service: ServiceSpec, network: str, router: str
) -> list[dict[str, str]]:
    more = {"service": name, "generation": str(service.generation)}
    if service.cron:
        more["cron"] = service.cron
    return scope.label_list(**more) + route_labels(router, network, service)


def environment_list(scope: Scope, name: str, service: ServiceSpec) -> list[str | SecretEnv]:
    """`KEY=value` in order of KEY; what Portwright tells every service stands among them."""
    told: dict[str, Value] = {
        "PORTWRIGHT_PROJECT": scope.project,
        "PORTWRIGHT_ENVIRONMENT": scope.environment,
        "PORTWRIGHT_SERVICE": name,
        "PORTWRIGHT_RELEASE": str(service.introduced),
        **({"PORT": str(service.port)} if service.port else {}),
    }
    env = {**told, **service.env}
    return [
        f"{key}={value}" if isinstance(value, str) else SecretEnv(key, value)
        for key, value in sorted(env.items())
    ]


def facts(service: ServiceSpec) -> dict[str, Any]:
    """The service in a person's words. Secrets appear by name and version only."""
    shown: dict[str, Any] = {
        "image": service.image,
        "image name": service.image_ref,
        "image digest": service.digest,
        "command": service.command,
        "entrypoint": service.entrypoint,
        "working_dir": service.working_dir,
        "user": service.user,
        "init": service.init or None,
        "read_only": service.read_only or None,
        "tmpfs": service.tmpfs or None,
        "shm_size": service.shm_size,
        "port": service.port,
        "release": service.release,
        "cron": service.cron,
        "restart": service.restart if service.restart != "unless-stopped" else None,
        "stop_grace": service.stop_grace if service.stop_grace != "10s" else None,
        **route_facts(service),
    }
    shown |= {f"{BASE}{name}": digest for name, digest in sorted(service.bases.items())}
    shown |= {f"env.{key}": value for key, value in sorted(service.env.items())}
    shown |= {f"volumes.{key}": path for key, path in sorted(service.volumes.items())}
    for each in service.publish:
        shown[f"publish.{each.host}/{each.protocol}"] = f"{each.address} → {each.container}"
    for kind, amount in (
        ("limits", service.resources.limits),
        ("reservations", service.resources.reservations),
    ):
        for key, value in amount.model_dump(exclude_none=True).items():
            shown[f"resources.{kind}.{key}"] = value
    if service.logs != type(service.logs)():
        shown |= {f"logs.{key}": value for key, value in service.logs.model_dump().items()}
    if service.host:
        power = service.host.model_dump(exclude_defaults=True)
        shown |= {f"host.{key}": value for key, value in power.items()}
    if service.healthcheck:
        check = service.healthcheck.model_dump(mode="json", exclude_none=True)
        shown |= {f"healthcheck.{key}": value for key, value in check.items()}
    return {path: value for path, value in shown.items() if value is not None}
