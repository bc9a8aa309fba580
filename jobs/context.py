"""What a Run needs at hand: opened once per Run, passed to each of its phases."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import docker
from docker.models.images import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.fetch import Fetcher
from jobs.guard import Guard as RunGuard
from jobs.hosts import reach
from jobs.log import RunLog
from jobs.models import Environment, Preview, Project, Release, Run
from jobs.patience import persistently
from jobs.project_images import ProjectImages
from jobs.queries import release_numbered
from jobs.registries import certificates_of, check_registry, credentials, logins_of
from jobs.registry_proof import prove
from jobs.settings import Settings
from jobs.sources import guard_of
from jobs.states import move
from jobs.vault import open_secrets
from stacks.docker.images.certificates import install_certificate
from stacks.docker.images.login import Login
from stacks.docker.images.reference import Reference
from stacks.docker.images.resolve import Policy, Resolver
from stacks.engine import Engine, EngineSettings
from stacks.errors import PortwrightError
from stacks.program import Secrets
from stacks.spec import Spec
from stacks.traffic import Traefik
from stacks.world import Place

T = TypeVar("T")


@dataclass
class Context:
    settings: Settings
    session: Session
    run: Run
    log: RunLog
    guard: RunGuard
    # Names of tags that the registry was not asked for in this run.
    unchecked: set[str] = field(default_factory=set)
    logins: dict[str, Login | None] = field(default_factory=dict)
    # Hosts of the registries that the project file's images come from.
    registries: set[str] = field(default_factory=set)
    # Keys of the builds whose images this run has already.
    built: set[str] = field(default_factory=set)

    def move(self, to: str, **columns: Any) -> None:
        """Move the Run on; raises PortwrightError where it was taken from us in the meantime."""
        self.guard.enter(to)
        token = self.guard.token

        def moved() -> bool:
            # A database that went away in a commit may have made it.
            return move(self.session, self.run.id, to, token=token, **columns) or self.is_in(to)

        if not self.persistently(moved):
            raise PortwrightError(
                f"the run could not go on to {to}: its state was changed by another",
                remedy="see who ended it; ask for it again if need be",
            )

    def is_in(self, state: str) -> bool:
        query = select(Run.state).where(Run.id == self.run.id, Run.token == self.guard.token)
        return self.session.scalar(query) == state

    def persistently(self, work: Callable[[], T]) -> T:
        return persistently(self.session, self.settings, work)

    @property
    def environment(self) -> Environment:
        return self.run.environment

    @property
    def project(self) -> Project:
        return self.run.environment.project

    @property
    def place(self) -> Place:
        return Place(self.settings.instance, self.project.name, self.environment.name)

    @cached_property
    def docker(self) -> docker.DockerClient:
        """The engine of the machine that the project is placed on."""
        return reach.connect_to(self.settings, self.project.host)

    def ping(self) -> None:
        """Raises where the engine does not answer; a way to it that was lost is made anew."""
        reach.open_to(self.settings, self.project.host)
        self.docker.ping()

    @cached_property
    def docker_address(self) -> str:
        return reach.address_of(self.settings, self.project.host)

    @cached_property
    def resolver(self) -> Resolver:
        return Resolver(
            self.docker,
            self.settings.images,
            self.settings.library,
            self.project_images,
            self.login,
            self.prepare_registry,
            self.docker_address,
            prove=self.prove_image,
            instance=self.settings.instance,
            project=self.project.name,
        )

    @cached_property
    def project_images(self) -> ProjectImages:
        """The records of this project's images on the host that it is placed on."""
        return ProjectImages(self.session, self.project.id, self.project.host_id, self.is_fork)

    @cached_property
    def is_fork(self) -> bool:
        """Whether the run is about a stranger's code, which gets none of the project's secrets."""
        return bool(
            self.session.scalar(
                select(Preview.fork).where(Preview.environment_id == self.environment.id)
            )
        )

    def login(self, host: str) -> Login | None:
        """The project's credentials for a registry, asked for once a run; the log hides them."""
        if self.is_fork:
            return None
        if host not in self.logins:
            found = logins_of(self.session, self.settings, self.project, self.log, hosts=[host])
            self.log.hide(login.password for login in found.values())
            self.logins[host] = found.get(host)
        return self.logins[host]

    def all_logins(self) -> dict[str, Login]:
        """For a build, which may name any registry."""
        found = {}
        for each in credentials(self.session, self.project):
            try:
                login = self.login(each.host)
            except PortwrightError as error:  # the build may not need this registry
                self.log(f"builds without credentials for {each.host}: {error.message}")
                continue
            if login is not None:
                found[each.host] = login
        return found

    @cached_property
    def certificates(self) -> dict[str, str]:
        """Registry host -> CA, as the builder and the engine trust it."""
        return certificates_of(self.session, self.project)

    def prepare_registry(self, host: str) -> None:
        """Before a pull: raise PortwrightError for a registry that this host may not connect to,
        and have the engine trust its CA."""
        check_registry(self.settings, host)
        if host in self.certificates:
            install_certificate(self.docker, host, self.certificates[host], self.log)

    def prove_image(self, source: Reference, image: Image) -> None:
        """Raise PortwrightError unless the registry has the content of an image of the engine."""
        authority = self.certificates.get(source.host)
        trusted = ssl.create_default_context(cadata=authority) if authority else None
        fetcher = Fetcher(guard_of(self.settings), trusted)
        prove(fetcher, source, self.login(source.host), image)

    def pull_policy(self, wanted: Policy) -> Policy:
        """Return the policy of a service for this run: `--pull` is stronger than the file."""
        return "always" if (self.run.options or {}).get("pull") else wanted

    @cached_property
    def traefik(self) -> Traefik:
        return reach.traefik_of(self.settings, self.project.host)

    @property
    def engine(self) -> Engine:
        reach.open_to(self.settings, self.project.host)
        return open_engine_of(self.settings, self.environment)

    @cached_property
    def current(self) -> Release | None:
        """The release that serves now."""
        return self.release(self.environment.release)

    @cached_property
    def current_spec(self) -> Spec | None:
        return Spec.model_validate(self.current.spec) if self.current else None

    def release(self, number: int | None) -> Release | None:
        return release_numbered(self.session, self.environment, number)

    def secrets(self, *specs: Spec | None) -> Secrets:
        """Values of the secrets that the specs name; the log hides them from here on."""
        opened = open_secrets(self.session, self.settings.key("vault-key"), self.project.id, *specs)
        self.log.hide(opened.values())
        return opened


def open_engine_of(settings: Settings, environment: Environment) -> Engine:
    """The engine of an environment's stack."""
    project = environment.project
    docker = reach.address_of(settings, project.host)
    engine = EngineSettings(settings.home, settings.backend_url, settings.key("passphrase"), docker)
    return Engine(engine, project.name, environment.name)
