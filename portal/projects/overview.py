"""What a project looks like now: read once, shown by pages and API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from sqlalchemy import select

from jobs.front import front_of
from jobs.hosts.registry import LOCAL
from jobs.models import Environment, Health, Project, Release, Run
from jobs.queries import production, release_numbered, runs_of, standing
from portal.context import settings
from portal.database import db
from portal.runs.shape import run_json
from portal.specs import Service, services_of


@dataclass(frozen=True)
class Overview:
    """A project with the release that serves, its services and its newest run."""

    project: Project
    environment: Environment
    release: Release | None
    last_run: Run | None
    services: list[Service] = field(default_factory=list)
    health: dict[str, Health] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return [url for service in self.services for url in service.urls]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.project.name,
            "repository": self.project.repository,
            "branch": self.project.branch,
            "host": self.project.host.name if self.project.host else LOCAL,
            "host_access": self.project.host_access,
            "created_at": self.project.created_at.isoformat(),
            "environment": self.environment.name,
            "environments": [
                {"name": each.name, "policy": each.policy, "release": each.release}
                for each in standing(self.project)
            ],
            "release": self.release.number if self.release else None,
            "services": [
                {**service.to_json(), **health_json(self.health.get(service.name))}
                for service in self.services
            ],
            "urls": self.urls,
            "last_run": run_json(self.last_run) if self.last_run else None,
            "url": url_for("projects.project", name=self.project.name),
        }


def overview(project: Project, environment: Environment | None = None) -> Overview:
    """Of one environment, production unless another is given."""
    environment = environment or production(project)
    release = release_numbered(db.session, environment, environment.release)
    runs = runs_of(db.session, environment, 1)
    health = select(Health).where(Health.environment_id == environment.id)
    return Overview(
        project=project,
        environment=environment,
        release=release,
        last_run=runs[0] if runs else None,
        services=services_of(release.spec, front_of(project.host, settings())) if release else [],
        health={row.service: row for row in db.session.scalars(health)},
    )


def health_json(row: Health | None) -> dict[str, Any]:
    """As the worker saw it last; before it did, nothing is known to be wrong."""
    return {"restarts": row.restarts if row else 0, "ill": row.cause if row else None}
