"""From a Compose file on disk to the text of a project file, with the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from stacks.compose.convert import Conversion
from stacks.compose.load import Entry, load
from stacks.compose.names import usable
from stacks.errors import PortwrightError
from stacks.parse import load as check

QUIET_TOP = ("services", "version", "name", "volumes", "networks", "include")


@dataclass(frozen=True)
class Imported:
    """text: of portwright.yaml, which is valid; report: in the order of the file."""

    text: str
    report: tuple[Entry, ...]

    @property
    def refused(self) -> list[Entry]:
        return [entry for entry in self.report if entry.verdict == "refused"]


def convert(
    path: Path,
    *,
    name: str | None = None,
    values: Mapping[str, str] | None = None,
    profiles: Iterable[str] = (),
    allow_host: bool = False,
    root: Path | None = None,
) -> Imported:
    """Raises PortwrightError where the file can't be read, or nothing valid comes of it.

    name: the project's; without it the Compose file's, or its folder's. values: what
    `${NAME}` stands for. allow_host: take over what needs host access. root: the
    repository's, found by its `.git` unless given.
    """
    loaded = load(path, values or {}, profiles, root)
    conversion = Conversion(loaded, allow_host)
    services = conversion.run()
    for key in loaded.top:
        if str(key).startswith("x-") or key in QUIET_TOP:
            continue
        why = {
            "secrets": "values are set with `portwright secrets set`",
            "configs": "put the files into the image",
        }
        conversion.note(
            str(key),
            "changed" if key == "secrets" else "ignored",
            why.get(key, "is no key that is known here"),
        )
    usable_services = {k: v for k, v in services.items() if "image" in v or "build" in v}
    if not usable_services:
        raise without_services(conversion.report)
    for service in usable_services.values():
        needs = service.get("depends_on", {})
        for other in [each for each in needs if each not in usable_services]:
            del needs[other]
    content = {"name": name or usable(loaded.name, (), "project"), "services": usable_services}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    try:
        check(text)
    except PortwrightError as error:
        raise PortwrightError(
            f"the converted file is not valid: {error}",
            remedy=f"{error.remedy} (in the Compose file)",
            path=path.name,
        ) from None
    return Imported(text, tuple(conversion.report))


def without_services(report: Iterable[Entry]) -> PortwrightError:
    """The error of a file none of whose services can be deployed: its first refused key."""
    refused = [entry for entry in report if entry.verdict == "refused"]
    return PortwrightError(
        f"no service can be converted: {refused[0].reason}",
        remedy="change this key in the Compose file",
        path=refused[0].path,
    )
