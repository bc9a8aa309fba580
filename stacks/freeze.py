"""A project file, its images and the secrets' versions become a frozen Spec."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stacks.errors import PortwrightError
from stacks.fields import Rule
from stacks.health import seconds
from stacks.project_file import FILE_NAME, ProjectFile
from stacks.references import References, SecretPart
from stacks.service_file import Healthcheck, Service
from stacks.spec import (
    BuiltImage,
    Need,
    Route,
    SecretVersion,
    Seed,
    ServiceSpec,
    Spec,
    Template,
    Value,
)

STATIC_PORT = 8080
LOCAL = "localhost"
# As Preview.routes writes it.
PREVIEW_LABEL = re.compile(r"([a-z0-9-]+-)?pr-[0-9]+-[a-z0-9-]+")
# What is in a Spec as it is in the file.
SAME = {
    "command", "entrypoint", "working_dir", "user", "init", "read_only", "tmpfs", "shm_size",
    "volumes", "replicas", "restart", "release", "cron", "drain", "stop_grace",
}  # fmt: skip


def freeze(
    wanted: ProjectFile,
    *,
    environment: str,
    commit: str,
    subject: str,
    images: Mapping[str, BuiltImage],
    secret_versions: Mapping[str, int],
    base: str = LOCAL,
    preview: Preview | None = None,
) -> Spec:
    """Resolve a project file; raises PortwrightError where a secret it names is not set.

    base: what the names end in that services get by themselves. preview: of a pull request's
    environment, who may look.
    """
    try:
        services = wanted.services_in(environment, preview=preview is not None)
    except ValueError as error:
        raise PortwrightError(
            str(error), remedy="correct what differs there", path=f"{FILE_NAME}: environments"
        ) from None
    routes = {
        name: routes_of(wanted.name, environment, name, s, base) for name, s in services.items()
    }
    if preview is not None:
        routes = preview.routes(wanted.name, environment, routes, base)
    public = {name: public_host(found) for name, found in routes.items() if found}
    values = Values(wanted.name, References(services, public), secret_versions)
    return Spec(
        project=wanted.name,
        environment=environment,
        commit=commit,
        subject=subject,
        rollback_window=wanted.rollback_window,
        seeds=preview.seeds(wanted) if preview else [],
        services={
            name: ServiceSpec(
                image=images[name].id,
                image_ref=images[name].ref,
                source=images[name].source,
                digest=images[name].digest,
                bases=dict(images[name].bases),
                dockerfile=images[name].dockerfile,
                **service.model_dump(include=SAME),
                env={key: values.of(name, key) for key in service.env},
                port=port_of(service),
                routes=routes[name],
                publish=service.publish,
                host=service.host,
                healthcheck=healthcheck_of(service, images[name]),
                image_check=images[name].check and service.healthcheck is None,
                depends_on=needs_of(service, services),
                resources=service.resources,
                logs=service.logs,
            )
            for name, service in services.items()
        },
    )


@dataclass(frozen=True)
class Preview:
    """guard: who may look (Route.guard). fork: it is a stranger's code, for which no snapshot is."""

    guard: str | None = None
    fork: bool = False

    def seeds(self, wanted: ProjectFile) -> list[Seed]:
        named = [Seed(**each.model_dump()) for each in wanted.previews.seed]
        return [each for each in named if not (self.fork and each.snapshot)]

    def routes(
        self, project: str, environment: str, found: Mapping[str, list[Route]], base: str
    ) -> dict[str, list[Route]]:
        """`pr-12-shop.<base>` for the first service that has a route, `api-pr-12-shop.<base>`
        for the others: one label, so that one wildcard certificate is enough."""
        first = next((name for name, routes in found.items() if routes), None)
        named = {
            name: label("-".join([*([] if name == first else [name]), environment, project]))
            for name in found
        }
        return {
            name: [Route(host=f"{named[name]}.{base}", guard=self.guard)] if routes else []
            for name, routes in found.items()
        }


def label(text: str) -> str:
    """A DNS label (RFC 1035: up to 63 characters); of a longer one the end is a hash."""
    if len(text) <= 63:
        return text
    return f"{text[:52].rstrip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


class Values:
    """Variables with references followed and secrets' versions named."""

    def __init__(
        self, project: str, references: References, secret_versions: Mapping[str, int]
    ) -> None:
        self.project = project
        self.references = references
        self.secret_versions = secret_versions

    def of(self, service: str, key: str) -> Value:
        path = f"services.{service}.env.{key}"
        try:
            parts = self.references.variable(service, key)
        except Rule as rule:
            message, _, remedy = str(rule).partition(" — ")
            raise PortwrightError(message, remedy=remedy, path=FILE_NAME) from None
        found = [self.version(p, path) if isinstance(p, SecretPart) else p for p in parts]
        if not found or (len(found) == 1 and isinstance(found[0], str)):
            return "".join(str(part) for part in found)
        first = found[0]
        if len(found) == 1 and isinstance(first, SecretVersion):
            return first
        return Template(parts=found)

    def version(self, part: SecretPart, path: str) -> SecretVersion:
        if part.secret not in self.secret_versions:
            raise PortwrightError(
                f"the secret {part.secret!r} is not set",
                remedy=f"portwright secrets set {self.project} {part.secret}",
                path=path,
            )
        return SecretVersion(
            secret=part.secret, version=self.secret_versions[part.secret], quoted=part.quoted
        )


def port_of(service: Service) -> int | None:
    return STATIC_PORT if service.static else service.port


def healthcheck_of(service: Service, image: BuiltImage) -> Healthcheck | None:
    """What the file says; else the image's own (None), else that the port takes a connection."""
    if service.healthcheck is not None:
        return service.healthcheck or None
    port = port_of(service)
    return Healthcheck(tcp=True, interval="1s") if port and not image.check else None


def needs_of(service: Service, services: Mapping[str, Service]) -> dict[str, Need]:
    found = {}
    for name, dependency in sorted(service.depends_on.items()):
        condition = dependency.condition or ("completed" if services[name].once else "healthy")
        found[name] = Need(condition=condition, cascade=dependency.cascade)
    return found


def routes_of(
    project: str, environment: str, name: str, service: Service, base: str = LOCAL
) -> list[Route]:
    """A service's routes; `*.localhost` is this machine everywhere (RFC 6761).

    Raises PortwrightError for a domain that looks like what another service may get by itself.
    """
    if port_of(service) is None or not service.public or (service.host and service.host.network):
        return []
    # A further label, not a joined one: no two sets of names give one host.
    scope = project if environment == "production" else f"{project}.{environment}"
    own = Route(host=f"{name}.{scope}.{base}")
    for domain in service.domains:
        before = domain.host.removesuffix(f".{base}")
        if before != domain.host and ("." in before or PREVIEW_LABEL.fullmatch(before)):
            raise PortwrightError(
                f"{domain.host} is a name that this host gives by itself",
                remedy=f"choose one that does not end in .{base}, or has one label without pr-N before it",
                path=f"services.{name}.domains",
            )
    return [own, *(Route(**domain.model_dump()) for domain in service.domains)]


def public_host(routes: list[Route]) -> str:
    """The first domain that serves; where there is none, the one on this machine."""
    return next((route.host for route in routes[1:] if not route.redirect), routes[0].host)


def window(spec: Spec) -> float:
    """Seconds that a new release is watched for."""
    return seconds(spec.rollback_window)
