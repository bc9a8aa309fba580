"""`${NAME:-default}` in a Compose file (Compose Specification, "Interpolation")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from stacks.errors import PortwrightError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OPERATORS = (":-", ":?", ":+", "-", "?", "+")
WHOLE = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?::?\?[^}]*)?\}|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))"
)
DEEPEST = 20


class Unset(str):
    """Stands for a value that is nothing but one variable which nobody set: its name."""


def interpolate(
    text: str, values: Mapping[str, str], missing: Callable[[str], None], depth: int = 0
) -> str:
    """The text with variables put in. An unset one without default is empty and told to `missing`.

    Raises PortwrightError for what is no reference.
    """
    if depth > DEEPEST:
        raise PortwrightError("defaults are nested too deeply", remedy="write them out")
    found: list[str] = []
    at = 0
    while at < len(text):
        dollar = text.find("$", at)
        if dollar < 0:
            found.append(text[at:])
            break
        found.append(text[at:dollar])
        rest = text[dollar + 1 :]
        plain = NAME.match(rest)
        if rest.startswith("$"):
            found.append("$")
            at = dollar + 2
        elif rest.startswith("{"):
            end = closing(text, dollar + 1)
            found.append(reference(text[dollar + 2 : end], values, missing, depth))
            at = end + 1
        elif plain:
            found.append(value_of(plain[0], values, missing))
            at = dollar + 1 + plain.end()
        else:
            raise wrong("$" + rest[:20])
    return "".join(found)


def closing(text: str, opening: int) -> int:
    """Where the brace that opens there closes; braces of nested references are counted."""
    depth = 0
    for at in range(opening, len(text)):
        if text[at] == "{" and text[at - 1] == "$":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    raise wrong(text[opening - 1 : opening + 20])


def reference(
    inner: str, values: Mapping[str, str], missing: Callable[[str], None], depth: int
) -> str:
    name = NAME.match(inner)
    if not name:
        raise wrong("${" + inner + "}")
    key, rest = name[0], inner[name.end() :]
    operator = next((each for each in OPERATORS if rest.startswith(each)), None)
    if rest and operator is None:
        raise wrong("${" + inner + "}")
    if operator is None:
        return value_of(key, values, missing)
    word = rest[len(operator) :]
    there = bool(values.get(key)) if operator.startswith(":") else key in values
    if operator.endswith("-"):
        return values[key] if there else interpolate(word, values, missing, depth + 1)
    if operator.endswith("+"):
        return interpolate(word, values, missing, depth + 1) if there else ""
    return values[key] if there else value_of(key, {}, missing)


def value_of(key: str, values: Mapping[str, str], missing: Callable[[str], None]) -> str:
    if key not in values:
        missing(key)
        return ""
    return values[key]


def wrong(text: str) -> PortwrightError:
    return PortwrightError(f"{text!r} is no reference", remedy="write ${NAME}, or $$ for a dollar")


def tree(
    value: Any, values: Mapping[str, str], missing: Callable[[str, str], None], path: str = ""
) -> Any:
    """All texts of a tree, keys left alone. missing: gets path and name of an unset variable.

    A text that is nothing but one unset variable comes back as Unset.
    """
    if isinstance(value, dict):
        return {k: tree(v, values, missing, f"{path}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, list):
        return [tree(v, values, missing, f"{path}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value
    whole = WHOLE.fullmatch(value)
    name = (whole["braced"] or whole["plain"]) if whole else None
    if name and name not in values:
        return Unset(name)
    try:
        return interpolate(value, values, lambda name: missing(path, name))
    except PortwrightError as error:
        raise PortwrightError(error.message, remedy=error.remedy, path=path) from None
