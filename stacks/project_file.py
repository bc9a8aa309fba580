"""`portwright.yaml`: what a repository asks for, validated field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from stacks.errors import PortwrightError
from stacks.fields import (
    URL_PATH,
    Duration,
    EnvName,
    Host,
    Image,
    Name,
    RepositoryPath,
    Rule,
    Text,
    matching,
    mount_path,
)

FILE_NAME = "portwright.yaml"
MAX_BYTES = 64 * 1024
MAX_NODES = 10_000


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretRef(Model):
    """A variable's value that is kept in Portwright, not in the repository."""

    secret: EnvName


class Build(Model):
    """An image built from the repository."""

    context: RepositoryPath = "."
    dockerfile: RepositoryPath = "Dockerfile"
    args: dict[EnvName, Text] = {}


class Healthcheck(Model):
    """How Docker asks the container whether it is well; one of http, tcp and command."""

    http: Annotated[str, matching(URL_PATH, "path", "write a path such as /health")] | None = None
    tcp: bool = False
    command: Annotated[list[Text], Field(min_length=1, max_length=50)] | None = None
    interval: Duration = "2s"
    timeout: Duration = "5s"
    start_period: Duration = "0ms"
    retries: Annotated[int, Field(ge=1, le=100)] = 15

    @model_validator(mode="after")
    def one_kind(self) -> Healthcheck:
        if (self.http is not None) + self.tcp + (self.command is not None) != 1:
            raise Rule("needs one way to check", "give one of http, tcp and command")
        return self


class Service(Model):
    """One container definition."""

    image: Image | None = None
    build: Annotated[
        Build | None, BeforeValidator(lambda v: {"context": v} if isinstance(v, str) else v)
    ] = None
    command: Annotated[list[Text], Field(max_length=100)] | None = None
    env: dict[EnvName, SecretRef | Text] = {}
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    domains: Annotated[list[Host], Field(max_length=50)] = []
    volumes: dict[Name, Annotated[str, BeforeValidator(mount_path)]] = {}
    healthcheck: Healthcheck | None = None
    depends_on: list[Name] = []
    replicas: Annotated[int, Field(ge=1, le=20)] = 1
    drain: Duration = "3s"

    @model_validator(mode="after")
    def consistent(self) -> Service:
        if (self.image is None) == (self.build is None):
            raise Rule("needs an image or a build", "give exactly one of image and build")
        if self.domains and self.port is None:
            raise Rule("has domains but no port", "give the port that the service listens on")
        if self.healthcheck and (self.healthcheck.http or self.healthcheck.tcp) and not self.port:
            raise Rule("has a healthcheck of a port it does not name", "give port")
        if self.volumes and self.replicas > 1:
            raise Rule(
                "has a volume and several replicas", "use one replica: a volume has one writer"
            )
        return self


class ProjectFile(Model):
    """The whole file."""

    name: Name
    services: Annotated[dict[Name, Service], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def references(self) -> ProjectFile:
        for name, service in self.services.items():
            for other in service.depends_on:
                if other not in self.services:
                    raise Rule(
                        f"services.{name}.depends_on: there is no service {other!r}",
                        f"choose from {', '.join(sorted(self.services))}",
                    )
        deploy_order({name: service.depends_on for name, service in self.services.items()})
        owners: dict[str, str] = {}
        for name, service in self.services.items():
            for domain in service.domains:
                if owners.setdefault(domain, name) != name:
                    raise Rule(
                        f"services.{name}: {domain} is {owners[domain]}'s already",
                        "let one service have it",
                    )
        return self


def deploy_order(depends_on: dict[str, list[str]]) -> list[str]:
    """Names so that each comes after what it depends on; raises Rule that shows a cycle's path."""
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in path:
            cycle = " → ".join([*path[path.index(name) :], name])
            raise Rule(f"depends_on goes in a circle: {cycle}", "remove one of these")
        path.append(name)
        for other in sorted(depends_on[name]):
            visit(other)
        path.pop()
        order.append(name)

    for name in sorted(depends_on):
        visit(name)
    return order


def load(text: str) -> ProjectFile:
    """Parse and validate; raises PortwrightError that lists every problem with path and remedy."""
    if len(text.encode()) > MAX_BYTES:
        raise refused("", f"is larger than {MAX_BYTES} bytes", "make it smaller")
    try:
        data = yaml.load(text, Loader=StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "is no valid YAML"
        raise refused(where, problem, "correct the YAML") from None
    except RecursionError:
        raise refused("", "is nested too deeply", "make it simpler") from None
    if not isinstance(data, dict):
        raise refused("", "holds no mapping", "start with `name:` and `services:`")
    if count_nodes(data) > MAX_NODES:
        raise refused("", f"holds more than {MAX_NODES} values", "make it simpler")
    try:
        return ProjectFile.model_validate(data)
    except ValidationError as error:
        raise translate(error) from None


def read(checkout: Path) -> ProjectFile:
    """The project file of a checkout; never follows a link out of it."""
    path = checkout / FILE_NAME
    if path.is_symlink() or not path.is_file():
        raise refused("", "is not in the repository", f"commit a file {FILE_NAME} at its top")
    if path.stat().st_size > MAX_BYTES:
        raise refused("", f"is larger than {MAX_BYTES} bytes", "make it smaller")
    return load(path.read_text(errors="replace"))


class StrictLoader(yaml.SafeLoader):
    """YAML's safe part, where a key given twice is an error rather than the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key.value, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def count_nodes(value: Any, budget: int = MAX_NODES) -> int:
    """How many values, aliases followed; stops soon after the budget is spent."""
    count, todo = 0, [value]
    while todo and count <= budget:
        count += 1
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return count


def refused(path: str, message: str, remedy: str) -> PortwrightError:
    return PortwrightError(message, remedy=remedy, path=": ".join(filter(None, [FILE_NAME, path])))


def translate(error: ValidationError) -> PortwrightError:
    """One error of ours from pydantic's list: `services.web.port: 'x' should be an integer`."""
    lines: list[tuple[str, str, str]] = []
    for item in error.errors():
        steps = [str(step) for step in item["loc"] if not str(step).startswith(UNION_MEMBERS)]
        message, _, remedy = item["msg"].removeprefix("Value error, ").partition(" — ")
        value = item["input"]
        given = f"{value!r} " if isinstance(value, str | int | float | bool) else ""
        if item["type"] == "extra_forbidden":
            message, remedy, given = "is no known field", "remove it, or correct its name", ""
        elif item["type"] == "missing":
            message, remedy = "is missing", "add it"
        line = (".".join(steps), f"{given}{message[:1].lower()}{message[1:]}", remedy)
        if line not in lines:
            lines.append(line)
    path, message, remedy = lines[0]
    more = "".join(f"\n{FILE_NAME}: {p}: {m} ({r or 'correct it'})" for p, m, r in lines[1:10])
    return refused(path, message + more, remedy or "correct the value")


UNION_MEMBERS = ("SecretRef", "function-before", "str", "[key]")
