"""From the text of `portwright.yaml` to its model; every problem is told with path, value and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from stacks.errors import PortwrightError
from stacks.project_file import FILE_NAME, ProjectFile

MAX_BYTES = 64 * 1024
MAX_NODES = 10_000
# What pydantic puts into a path beside the names that stand in the file.
UNION_MEMBERS = ("SecretRef", "function-", "[key]")
# The branch of a union that nobody meant: the other one's complaint is the helpful one.
OTHER_BRANCH = "literal[False]"


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
        if OTHER_BRANCH in item["loc"]:
            continue
        steps = [str(step) for step in item["loc"] if not str(step).startswith(UNION_MEMBERS)]
        if len(steps) > 3 and steps[-1] == "str":
            steps.pop()  # the branch of a union, and no service's name
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
