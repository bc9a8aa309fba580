"""Which images belong to a project on one host: what registries gave to it, and its builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.models import ProjectImage, now
from stacks.docker.images.reference import Reference
from stacks.docker.images.resolve import Known

PULLED, BUILT, BASE = "pulled", "built", "base"


@dataclass(frozen=True)
class ProjectImages:
    """The records of one project on one host (None: this machine); each put commits."""

    session: Session
    project_id: int
    host_id: int | None
    fork: bool = False

    def get(self, name: str) -> Known | None:
        """Return what a registry gave to the project under that canonical name.

        What it gave for the project's credentials is not for the code of a fork.
        """
        row = None if self.fork else self.row(PULLED, name)
        if row is None or row.digest is None:
            return None
        return Known(row.name, row.image_id, row.digest, row.checked_at, row.fetched, row.source)

    def put(self, known: Known) -> None:
        """Record a pulled image.

        Where the tag pointed to another image before, that one stays recorded under its digest:
        a release may need it, and only what is recorded is ever pruned.
        """
        if self.fork:  # recorded for the pruning; the tag means what it meant to the project
            known = replace(known, name=Reference.parse(known.name).at(known.digest).canonical)
        before = self.row(PULLED, known.name)
        fetched = known.fetched or self.is_fetched(known.image_id)
        if before is not None and before.image_id != known.image_id and before.digest:
            name = Reference.parse(before.name).at(before.digest).canonical
            self.write(PULLED, name, before.image_id, before.checked_at, {
                "digest": before.digest, "fetched": before.fetched, "source": before.source,
            })  # fmt: skip
        self.write(PULLED, known.name, known.image_id, known.checked_at, {
            "digest": known.digest, "fetched": fetched, "source": known.source,
        })  # fmt: skip
        self.session.commit()

    def holds(self, image_id: str) -> bool:
        """Report whether a registry gave the project that image, under any name."""
        return not self.fork and any(
            row.project_id == self.project_id
            for row in rows_on(self.session, self.host_id, PULLED, image_id)
        )

    def built(self, key: str) -> tuple[str, dict[str, str]] | None:
        """Return (image ID, bases) of the build with that key."""
        row = self.row(BUILT, key)
        return (row.image_id, dict(row.bases)) if row is not None else None

    def put_built(self, key: str, image_id: str, bases: Mapping[str, str]) -> None:
        """Record a built image. One that had this key before stays recorded, to be pruned."""
        before = self.row(BUILT, key)
        if before is not None and before.image_id != image_id:
            self.write(BUILT, f"{key}~{before.image_id}", before.image_id, before.checked_at, {
                "bases": before.bases,
            })  # fmt: skip
        self.write(BUILT, key, image_id, now(), {"bases": dict(bases)})
        self.session.commit()

    def bases(self) -> dict[str, tuple[str, datetime]]:
        """Return name -> (digest, when its registry was asked) of images that builds stand on."""
        rows = self.session.scalars(
            select(ProjectImage).where(
                ProjectImage.project_id == self.project_id,
                ProjectImage.host_id.is_not_distinct_from(self.host_id),
                ProjectImage.kind == BASE,
            )
        )
        return {row.name: (row.digest or "", row.checked_at) for row in rows}

    def put_bases(self, bases: Mapping[str, str]) -> None:
        """Record what registries have just given to a build. The engine does not have it."""
        for name, digest in bases.items():
            self.write(BASE, name, "", now(), {"digest": digest})
        self.session.commit()

    def row(self, kind: str, name: str) -> ProjectImage | None:
        return self.session.scalar(
            select(ProjectImage).where(
                ProjectImage.project_id == self.project_id,
                ProjectImage.host_id.is_not_distinct_from(self.host_id),
                ProjectImage.kind == kind,
                ProjectImage.name == name,
            )
        )

    def write(
        self, kind: str, name: str, image_id: str, checked_at: datetime, more: dict[str, Any]
    ) -> None:
        """Insert or change a row. Runs of two environments may do so at once: the row is made in a
        savepoint of its own, and where another run was first, its row is changed."""
        row = self.row(kind, name)
        if row is None:
            row = ProjectImage(
                project_id=self.project_id, host_id=self.host_id, kind=kind, name=name,
                image_id=image_id, checked_at=checked_at, **more,
            )  # fmt: skip
            try:
                with self.session.begin_nested():
                    self.session.add(row)
                return
            except IntegrityError:
                row = self.row(kind, name)
                assert row is not None
        row.image_id, row.checked_at, row.used_at = image_id, checked_at, now()
        for column, value in more.items():
            setattr(row, column, value)

    def is_fetched(self, image_id: str) -> bool:
        """Report whether Portwright brought the image to this host, for whichever project."""
        return (
            self.session.scalar(
                select(ProjectImage.id)
                .where(
                    ProjectImage.host_id.is_not_distinct_from(self.host_id),
                    ProjectImage.image_id == image_id,
                    ProjectImage.fetched.is_(True),
                )
                .limit(1)
            )
            is not None
        )


def rows_on(
    session: Session, host_id: int | None, kind: str, image_id: str | None = None
) -> list[ProjectImage]:
    """Return the records of all projects on that host, or those of one image."""
    query = select(ProjectImage).where(
        ProjectImage.host_id.is_not_distinct_from(host_id), ProjectImage.kind == kind
    )
    if image_id is not None:
        query = query.where(ProjectImage.image_id == image_id)
    return list(session.scalars(query.order_by(ProjectImage.id)))


def forget(session: Session, host_id: int | None, image_id: str) -> None:
    """Delete the records of an image that is no longer on that host; commits."""
    session.execute(
        delete(ProjectImage).where(
            ProjectImage.host_id.is_not_distinct_from(host_id), ProjectImage.image_id == image_id
        )
    )
    session.commit()
