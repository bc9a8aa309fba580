"""Bodies that the API takes. A field that is unknown or of another type is refused by name."""

from __future__ import annotations

from typing import Literal, TypeVar

from flask import abort, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stacks.errors import PortwrightError


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Login(Body):
    email: str
    password: str
    label: str = Field(default="command line", min_length=1, max_length=100)


class NewProject(Body):
    name: str
    repository: str
    branch: str = "main"
    host: str = ""
    host_label: str = ""


class HostAccess(Body):
    host_access: bool


class NewRun(Body):
    kind: Literal["plan", "deploy", "rollback", "destroy", "refresh", "drift", "reconcile"]
    environment: str | None = None
    ref: str | None = None
    release: int | None = Field(default=None, ge=1, le=2**31 - 1)
    plan: str | None = None
    volumes: list[str] = Field(default_factory=list, max_length=100)
    pull: bool = False
    no_cache: bool = False


class NewSecret(Body):
    value: str
    environment: str | None = None


class NewEnvironment(Body):
    name: str


class Filters(Body):
    branches: list[str] = Field(default_factory=list, max_length=50)
    tags: list[str] = Field(default_factory=list, max_length=50)
    paths: list[str] = Field(default_factory=list, max_length=50)


class EnvironmentChange(Body):
    policy: str | None = None
    branch: str | None = None
    filters: Filters | None = None


class Approval(Body):
    plan: str


class NewHook(Body):
    scheme: str | None = None
    at_forge: bool = False


B = TypeVar("B", bound=Body)


def body_as(model: type[B]) -> B:
    """The request's JSON as that model; raises 400 for no JSON, PortwrightError for a bad field."""
    given = request.get_json()
    if not isinstance(given, dict):
        abort(400)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise plain(error, model) from None


def plain(error: ValidationError, model: type[Body]) -> PortwrightError:
    """The first complaint, as a sentence that never repeats the value (it may be a secret)."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    fields = ", ".join(model.model_fields)
    if first["type"] == "extra_forbidden":
        return PortwrightError("there is no such field", remedy=f"use {fields}", path=path)
    if first["type"] == "missing":
        return PortwrightError("the field is missing", remedy=f"give {path}", path=path)
    message = first["msg"][0].lower() + first["msg"][1:]
    return PortwrightError(message, remedy=f"correct {path}", path=path)
