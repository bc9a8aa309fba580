"""Questions that are asked of the database in more than one place. Nothing here writes."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.front import front_of
from jobs.models import Environment, Project, Release, Run, Secret
from jobs.settings import Settings
from jobs.states import FINAL
from stacks.world import Place


def environment_named(project: Project, name: str | None) -> Environment | None:
    """The environment of that name (default: production, which every project has)."""
    wanted = name or "production"
    return next((each for each in project.environments if each.name == wanted), None)


def standing(project: Project) -> list[Environment]:
    """Its environments without those of previews, which come and go."""
    return [each for each in project.environments if each.kind == "standing"]


def production(project: Project) -> Environment:
    """The environment that every project has."""
    found = environment_named(project, "production")
    assert found is not None
    return found


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


def drift_of(session: Session, environment: Environment) -> Run | None:
    """The newest finished drift Run, where no release was made since."""
    newest = (
        select(Run)
        .where(Run.environment_id == environment.id, Run.state == "succeeded")
        .where(Run.kind.in_(("drift", "deploy", "rollback", "reconcile", "destroy")))
        .order_by(Run.id.desc())
        .limit(1)
    )
    run = session.scalar(newest)
    return run if run and run.kind == "drift" else None


def release_numbered(
    session: Session, environment: Environment, number: int | None
) -> Release | None:
    """The release of that number, None where there is none."""
    query = select(Release).where(
        Release.environment_id == environment.id, Release.number == number
    )
    return session.scalar(query)


def secret_versions(
    session: Session, project: Project, environment: str | None = None
) -> dict[str, int]:
    """Each secret's name with its newest version, by name: the environment's own before the shared."""
    shared = own_versions(session, project.id, None)
    own = own_versions(session, project.id, environment) if environment else {}
    return dict(sorted({**shared, **own}.items()))


def own_versions(session: Session, project_id: int, environment: str | None) -> dict[str, int]:
    """Newest versions of what is an environment's own; None: of what all share."""
    query = (
        select(Secret.name, func.max(Secret.version))
        .where(
            Secret.project_id == project_id, Secret.environment.is_not_distinct_from(environment)
        )
        .group_by(Secret.name)
    )
    return {name: version for name, version in session.execute(query)}


def service_urls(session: Session, environment: Environment, settings: Settings) -> list[str]:
    """Where the services of the release that serves now are reached, one URL per route."""
    front = front_of(environment.project.host, settings)
    return [front.url(host, path) for host, path in addresses(session, environment)]


def addresses(session: Session, environment: Environment) -> list[tuple[str, str]]:
    """(host, path) of each route of the release that serves now, but redirects. An older Spec may
    lack what is known today."""
    release = release_numbered(session, environment, environment.release)
    services = release.spec["services"].values() if release else ()
    return [
        (route["host"], route.get("path") or "")
        for service in services
        for route in service.get("routes") or ()
        if not route.get("redirect")
    ]


def place_of(settings: Settings, environment: Environment) -> Place:
    """Where an environment is on the Docker engine."""
    return Place(settings.instance, environment.project.name, environment.name)
