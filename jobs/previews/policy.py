"""What a project wants of its previews. It is kept with the project and never read from a
repository: a pull request must not widen its own rights."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from forges.filters import check_patterns
from jobs.models import Project
from jobs.records import record
from stacks.errors import PortwrightError
from stacks.names import check_secret_name

# What the secrets are called whose environment is "every preview".
EVERY_PREVIEW = "previews"
ENVIRONMENT = re.compile(r"pr-[1-9][0-9]{0,8}")


class Policy(BaseModel):
    """enabled: whether pull requests get previews. most: open at once. ttl_hours: after the
    last push, 0 for as long as the pull request is open. idle_minutes: without a request until
    one sleeps, 0 for never. forks: `off`, or `approve`: each commit waits for a maintainer.
    bases: patterns of branches that pull requests go to, none for the project's branch.
    share: secrets whose value previews have in common with production. protect: who may look.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    enabled: bool = False
    most: Annotated[int, Field(ge=1, le=50)] = 5
    ttl_hours: Annotated[int, Field(ge=0, le=8760)] = 168
    idle_minutes: Annotated[int, Field(ge=0, le=10080)] = 60
    forks: Literal["off", "approve"] = "off"
    bases: Annotated[tuple[str, ...], Field(max_length=50, strict=False)] = ()
    share: Annotated[tuple[str, ...], Field(max_length=100, strict=False)] = ()
    protect: Literal["nobody", "password", "members"] = "nobody"


def policy_of(project: Project) -> Policy:
    return Policy.model_validate(project.previews or {})


def set_policy(session: Session, project: Project, given: dict[str, Any], *, by: str) -> Policy:
    """Change the named settings, keep the others.

    Raises PortwrightError with the field for a value that can't be used.
    """
    try:
        policy = Policy.model_validate({**(project.previews or {}), **given})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise PortwrightError(
            first["msg"][0].lower() + first["msg"][1:],
            remedy=f"fields are {', '.join(Policy.model_fields)}",
            path="previews." + ".".join(str(part) for part in first["loc"]),
        ) from None
    check_patterns("previews.bases", policy.bases)
    for name in policy.share:
        check_secret_name("previews.share", name)
    project.previews = policy.model_dump(mode="json")
    record(session, by, "previews.settings", project.name, **given)
    session.commit()
    return policy


def environment_of(number: int) -> str:
    return f"pr-{number}"
