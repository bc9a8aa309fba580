"""Projects' builders: their settings, who uses one at the moment, and what keeps builds apart.

A builder is shared by the builds of one project. A lock of the system's, which ends with its
process, keeps a builder from being replaced or stopped while a build uses it.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import ipaddress
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import docker
from docker.errors import DockerException

from forges.addresses import Guard, public
from jobs.context import Context
from jobs.models import Host, Project
from jobs.previews.prepare import preview_of
from jobs.registries import credentials
from jobs.settings import Settings
from jobs.sources import guard_of
from stacks.docker.builds import builder
from stacks.docker.builds.builder import BuilderSettings
from stacks.docker.builds.builder_image import ensure_builder_image
from stacks.docker.images.reference import HUB

IDLE_SECONDS = 600
CPU_SHARE = 0.75
MEMORY_SHARE = 0.6
LEAST_MEMORY_MB = 512
MIRROR = "mirror:"
STANDING = "standing"
FORK = "fork-"
log = logging.getLogger(__name__)


@contextmanager
def using(context: Context) -> Iterator[str]:
    """Have the build's builder run; yield its container's name. Raises PortwrightError."""
    wanted = settings_of(context)
    with lock_file(context.settings, context.project.host, wanted.owner) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        while not builder.is_current(context.docker, wanted):
            fcntl.flock(file, fcntl.LOCK_EX)
            if not builder.is_current(context.docker, wanted):
                context.log("starting the project's builder")
                builder.start(context.docker, wanted)
            fcntl.flock(file, fcntl.LOCK_SH)
        touch(file)
        try:
            yield wanted.name
        finally:
            touch(file)


def trust_domain(context: Context) -> str:
    """Builds that may share results of commands and cache mounts: what is reviewed, what is in
    pull requests, and each pull request of a stranger apart."""
    preview = preview_of(context)
    if preview is None:
        return STANDING
    return f"{FORK}{preview.number}" if preview.fork else "previews"


def is_fork(domain: str) -> bool:
    return domain.startswith(FORK)


def owner_of(project: str, domain: str) -> str:
    """Whose builder a build uses: the project's, or that of one pull request of a fork, whose
    commands must not reach those of other builds. Names of projects have no dots."""
    return f"{project}.{domain}" if is_fork(domain) else project


def settings_of(context: Context) -> BuilderSettings:
    settings = context.settings
    image = ensure_builder_image(context.docker, settings.cache, settings.home / "bin", context.log)
    machine = context.docker.info()
    memory = int(machine["MemTotal"]) >> 20
    registries = Registries(guard_of(settings))
    for mirror in (settings.library, settings.images.removeprefix(MIRROR)):
        if mirror and mirror not in ("auto", "registry"):
            registries.add_mirror(HUB, mirror)
    for each in credentials(context.session, context.project):
        registries.add(each.host)
    for host in context.registries:
        registries.add(host)
    return BuilderSettings(
        instance=settings.instance,
        owner=owner_of(context.project.name, trust_domain(context)),
        image=image,
        cpus=settings.build_cpus or max(0.5, round(int(machine["NCPU"]) * CPU_SHARE, 2)),
        memory_mb=settings.build_memory_mb or max(LEAST_MEMORY_MB, int(memory * MEMORY_SHARE)),
        cache_mb=settings.build_cache_mb,
        cache_days=settings.build_cache_days or 3650,
        mirrors={host: tuple(found) for host, found in registries.mirrors.items()},
        plain_http=tuple(sorted(registries.plain_http)),
        certificates=context.certificates,
        allowed=tuple(sorted(registries.allowed)),
        host_ports=tuple(sorted(registries.ports)),
    )


class Registries:
    """How a builder reaches registries: those on the host's loopback by another name, private
    ones where the host's owner permits them."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.mirrors: dict[str, list[str]] = {}
        self.plain_http: set[str] = set()
        self.ports: set[int] = set()
        self.allowed = {str(network) for network in guard.networks}
        for name in guard.names:
            self.allow(name)

    def add(self, host: str) -> None:
        """A registry of the project's."""
        if loopback_port(host) and self.guard.owned(*loopback(host)):
            self.add_mirror(host, host)

    def add_mirror(self, host: str, mirror: str) -> None:
        """What the platform's owner set: it needs no other permission."""
        where, slash, prefix = mirror.partition("/")
        if port := loopback_port(where):
            where = f"{builder.HOST}:{port}"
            self.plain_http.add(where)
            self.ports.add(port)
        else:
            self.allow(where.rpartition(":")[0] or where)
        self.mirrors.setdefault(host, []).append(f"{where}{slash}{prefix}")

    def allow(self, host: str) -> None:
        """Let a name's private addresses through; public ones pass anyway, and change often."""
        with suppress(OSError, ValueError):
            found = map(ipaddress.ip_address, self.guard.resolver(host, 443))
            self.allowed |= {str(ipaddress.ip_network(each)) for each in found if not public(each)}


def loopback(host: str) -> tuple[str, str]:
    """Name and address of a registry on the host's loopback interface."""
    return host.partition(":")[0], "127.0.0.1"


def loopback_port(host: str) -> int | None:
    name, _, port = host.partition(":")
    return int(port or 80) if name in builder.LOOPBACK else None


@contextmanager
def lock_file(settings: Settings, host: Host | None, owner: str) -> Iterator[IO[str]]:
    folder = settings.home / "run" / "builders"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{host.name if host else 'local'}.{owner}.lock").open("a") as file:
        yield file


def touch(file: IO[str]) -> None:
    """The file's time says when the builder was last used."""
    os.utime(file.fileno())


def seconds_unused(file: IO[str]) -> float:
    return time.time() - Path(file.name).stat().st_mtime


def sweep(
    client: docker.DockerClient, settings: Settings, host: Host | None, owners: set[str]
) -> list[str]:
    """Stop idle builders; remove the caches of those that were long unused, and of projects and pull
    requests that are not on this host any more. Returns the owners whose builder changed.

    owners: of builders that may be on the host (owner_of).
    """
    changed = []
    for owner, running in builder.owners(client, settings.instance).items():
        with lock_file(settings, host, owner) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            unused = seconds_unused(file)
            old = settings.build_cache_days and unused > settings.build_cache_days * 86_400
            try:
                if owner not in owners or old:
                    builder.remove(client, settings.instance, owner)
                    changed.append(owner)
                elif running and unused > IDLE_SECONDS:
                    builder.stop(client, settings.instance, owner)
                    changed.append(owner)
            except DockerException as error:
                log.warning("could not stop or remove the builder of %s: %s", owner, error)
    return changed


def hostname(key: str, project: Project, domain: str, secrets: Mapping[str, str]) -> str:
    """A host name for the steps of a build. BuildKit finds a step's earlier result by it too, so
    that other projects, other trust domains and other values of the secrets share none."""
    content = sorted(secrets.items())
    return "b" + digest(
        key, "hostname", project.id, domain, *(each for pair in content for each in pair)
    )


def namespace(key: str, project: Project, domain: str) -> str:
    """A prefix of the ids of cache mounts."""
    return digest(key, "cache", project.id, domain)


def digest(key: str, *parts: object) -> str:
    """HMAC-SHA256 over the parts, each with its length, so that none runs into the next."""
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
