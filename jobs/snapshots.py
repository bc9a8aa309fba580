"""What is kept of an environment's data for previews to start from: asked for, listed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from jobs.models import Environment, Project, Run
from jobs.previews.seeds import check_command, snapshot_path
from jobs.records import record
from jobs.requests import Doorbell, request_run
from jobs.settings import Settings
from stacks.errors import PortwrightError
from stacks.names import check_name


@dataclass(frozen=True)
class Snapshot:
    """size: in bytes."""

    name: str
    size: int
    taken_at: datetime


def listed(settings: Settings, project: Project) -> list[Snapshot]:
    """By name; one that is being taken is not there yet."""
    folder = settings.home / "snapshots" / project.name
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_file() and not path.name.startswith("."):
            facts = path.stat()
            taken = datetime.fromtimestamp(facts.st_mtime, UTC)
            found.append(Snapshot(path.name, facts.st_size, taken))
    return found


def take(
    session: Session,
    ring: Doorbell,
    environment: Environment,
    name: str,
    service: str,
    command: Sequence[str],
    *,
    by: str,
) -> Run:
    """The Run that keeps what a command prints in a service's container, over one of that name.

    Raises PortwrightError.
    """
    if environment.release is None:
        raise PortwrightError(
            f"nothing is deployed in {environment.name}",
            remedy="deploy it first: the command runs in a container of it",
            path="environment",
        )
    wanted = {
        "service": check_name("service", service),
        "command": check_command(list(command)),
        "snapshot": check_name("snapshot", name),
    }
    return request_run(session, ring, environment, "snapshot", by=by, snapshot=wanted)


def remove(session: Session, settings: Settings, project: Project, name: str, *, by: str) -> None:
    """Raises PortwrightError where there is none of that name."""
    path = snapshot_path(settings, project, name)
    assert path is not None
    try:
        path.unlink()
    except FileNotFoundError:
        raise PortwrightError(
            f"there is no snapshot {name!r}", remedy="choose one from the list", path="snapshot"
        ) from None
    record(session, by, "snapshot.removed", project.name, snapshot=name)
    session.commit()
