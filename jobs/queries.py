"""Questions that are asked of the database in more than one place. Nothing here writes."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.models import Environment, Project, Release, Run, Secret
from jobs.states import FINAL


def production(project: Project) -> Environment:
    """The environment that every project has."""
    return next(each for each in project.environments if each.name == "production")


def runs_of(session: Session, environment: Environment, limit: int) -> list[Run]:
    """The newest runs, newest first."""
    query = select(Run).where(Run.environment_id == environment.id)
    return list(session.scalars(query.order_by(Run.id.desc()).limit(limit)))


def active_runs(session: Session, environment: Environment) -> list[Run]:
    """Runs that wait or are under way, oldest first."""
    query = select(Run).where(Run.environment_id == environment.id, Run.state.not_in(FINAL))
    return list(session.scalars(query.order_by(Run.id)))


def releases_of(session: Session, environment: Environment) -> list[Release]:
    """All releases, newest first."""
    query = select(Release).where(Release.environment_id == environment.id)
    return list(session.scalars(query.order_by(Release.number.desc())))


def release_numbered(
    session: Session, environment: Environment, number: int | None
) -> Release | None:
    """The release of that number, None where there is none."""
    query = select(Release).where(
        Release.environment_id == environment.id, Release.number == number
    )
    return session.scalar(query)


def secret_versions(session: Session, project: Project) -> dict[str, int]:
    """Each secret's name with its newest version, by name."""
    query = (
        select(Secret.name, func.max(Secret.version))
        .where(Secret.project_id == project.id)
        .group_by(Secret.name)
        .order_by(Secret.name)
    )
    return {name: version for name, version in session.execute(query)}


def service_urls(session: Session, environment: Environment, http_port: int) -> list[str]:
    """Where the services of the release that serves now are reached, one URL per host."""
    release = release_numbered(session, environment, environment.release)
    services = release.spec["services"].values() if release else ()
    return [f"http://{host}:{http_port}" for service in services for host in service["hosts"]]
