"""Reading Compose files: anchors, `extends`, `include`, `env_file` and profiles become plain services.

Nothing outside the repository is read. Build contexts become relative to its root.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stacks.compose.interpolate import Unset, tree
from stacks.errors import PortwrightError
from stacks.parse import MAX_NODES, StrictLoader, count_nodes

MAX_BYTES = 512 * 1024
MAX_FILES = 50
# Lists that are joined where one service extends another; others are replaced.
JOINED = {"ports", "volumes", "expose", "dns", "tmpfs", "cap_add", "devices", "secrets", "configs",
          "env_file", "profiles", "security_opt", "volumes_from"}  # fmt: skip
MAPPINGS = (
    "environment", "labels", "args", "extra_hosts", "sysctls", "annotations",
    "ssh", "additional_contexts",
)  # fmt: skip


# A context that is not a path relative to the file that names it.
ROOTED = re.compile(r"[a-z+]+://|git@|github\.com/|/|~")


@dataclass(frozen=True)
class Entry:
    """What became of one key. verdict: kept, changed, refused or ignored."""

    path: str
    verdict: str
    reason: str


@dataclass
class Loaded:
    """Services without `extends`, variables put in; volumes and the like of the top level."""

    name: str
    services: dict[str, dict[str, Any]]
    top: dict[str, Any]
    report: list[Entry] = field(default_factory=list)


class ComposeLoader(StrictLoader):
    """YAML's safe part with Compose's tags."""


def tagged(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if node.tag == "!reset":
        return None
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


for tag in ("!reset", "!override"):
    ComposeLoader.add_constructor(tag, tagged)


class Reader:
    """root: the folder that no path may leave."""

    def __init__(self, root: Path, values: Mapping[str, str]) -> None:
        self.root = root.resolve()
        self.values = dict(values)
        self.report: list[Entry] = []
        self.files: dict[Path, dict[str, Any]] = {}

    def note(self, path: str, verdict: str, reason: str) -> None:
        self.report.append(Entry(path, verdict, reason))

    def inside(self, folder: Path, name: object, path: str) -> Path:
        found = (folder / str(name)).resolve()
        if not found.is_relative_to(self.root):
            raise PortwrightError(
                f"{name!r} is outside the repository",
                remedy="copy it inside",
                path=path,
            )
        if not found.is_file():
            raise PortwrightError(f"{name!r} is not there", remedy="correct the path", path=path)
        return found

    def file(self, path: Path) -> dict[str, Any]:
        """A file's content with variables put in, read once."""
        if path in self.files:
            return self.files[path]
        if len(self.files) >= MAX_FILES:
            raise PortwrightError("there are too many files", remedy="make it simpler")
        if path.stat().st_size > MAX_BYTES:
            raise PortwrightError(
                f"{path.name} is larger than {MAX_BYTES} bytes", remedy="split it"
            )
        try:
            data = yaml.load(path.read_text(errors="replace"), Loader=ComposeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{path.name}: line {mark.line + 1}" if mark else path.name
            raise PortwrightError(
                getattr(error, "problem", None) or "is no valid YAML",
                remedy="correct the YAML",
                path=where,
            ) from None
        except RecursionError:
            raise PortwrightError(f"{path.name} is nested too deeply", remedy="simplify") from None
        if not isinstance(data, dict) or not isinstance(data.get("services", {}), dict):
            raise PortwrightError(
                "holds no `services:` mapping", remedy="give a Compose file", path=path.name
            )
        if count_nodes(data) > MAX_NODES:
            raise PortwrightError(f"{path.name} holds too many values", remedy="make it simpler")
        services = data.get("services") or {}
        # Before variables are put in: `KEY=${NAME}` in a list is a whole value as well.
        data["services"] = {k: normal(v) if isinstance(v, dict) else v for k, v in services.items()}
        self.files[path] = tree(data, self.values, self.unset)
        return self.files[path]

    def unset(self, path: str, name: str) -> None:
        self.note(path, "changed", f"the variable {name} is not set: it is empty here")

    def services(self, path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        data = self.file(path)
        services: dict[str, dict[str, Any]] = {}
        top = {k: v for k, v in data.items() if k not in ("services", "include")}
        for index, item in enumerate(listed(data.get("include"))):
            names = item.get("path") if isinstance(item, dict) else item
            for name in listed(names):
                more, other = self.services(self.inside(path.parent, name, f"include[{index}]"))
                services |= more
                for key, value in other.items():
                    if isinstance(value, dict):
                        top[key] = {**value, **(top.get(key) or {})}
        for name in data.get("services") or {}:
            services[str(name)] = self.whole(path, str(name), [])
        return services, top

    def whole(self, path: Path, name: str, trail: list[str]) -> dict[str, Any]:
        """A service with what it extends."""
        here = f"{path.name}:{name}"
        if here in trail:
            circle = " → ".join([*trail[trail.index(here) :], here])
            raise PortwrightError(f"extends goes in a circle: {circle}", remedy="remove one")
        own = (self.file(path).get("services") or {}).get(name)
        if not isinstance(own, dict):
            raise PortwrightError(
                f"{path.name} has no service {name!r} that is a mapping",
                remedy="correct the name",
                path=f"services.{name}",
            )
        own = self.with_context(normal(own), path.parent)
        extends = own.pop("extends", None)
        if extends is None:
            return self.with_files(own, path.parent, name)
        where = f"services.{name}.extends"
        wanted = extends if isinstance(extends, dict) else {"service": extends}
        other = self.inside(path.parent, wanted["file"], where) if wanted.get("file") else path
        base = self.whole(other, str(wanted.get("service")), [*trail, here])
        self.note(where, "kept", f"what {wanted.get('service')} has was put in")
        return merged(base, self.with_files(own, path.parent, name))

    def with_context(self, service: dict[str, Any], folder: Path) -> dict[str, Any]:
        """The service with its build context relative to the root; `..` where it is outside.

        A URL, an absolute path and a variable that is not set stay as they are.
        """
        build = service.get("build")
        if not isinstance(build, dict):
            return service
        context = build.get("context")
        if isinstance(context, Unset) or not isinstance(context, str) or ROOTED.match(context):
            return service
        here = folder.relative_to(self.root).as_posix()
        return {
            **service,
            "build": {**build, "context": posixpath.normpath(posixpath.join(here, context))},
        }

    def with_files(self, service: dict[str, Any], folder: Path, name: str) -> dict[str, Any]:
        """`env_file` read; `environment` goes before it."""
        found: dict[str, Any] = {}
        for index, item in enumerate(listed(service.pop("env_file", None))):
            where = f"services.{name}.env_file[{index}]"
            wanted = item if isinstance(item, dict) else {"path": item}
            try:
                found |= env_file(self.inside(folder, wanted.get("path"), where), self.values)
                self.note(where, "changed", "its variables were written into env")
            except PortwrightError as error:
                if wanted.get("required") is not False:
                    self.note(where, "refused", f"{error.message}: {error.remedy}")
        if found:
            service["environment"] = {**found, **(service.get("environment") or {})}
        return service


def repository_root(path: Path) -> Path:
    """Return the folder with `.git` that a Compose file is in, or else the file's own folder."""
    folder = path.resolve().parent
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def load(
    path: Path,
    values: Mapping[str, str],
    profiles: Iterable[str] = (),
    root: Path | None = None,
) -> Loaded:
    """Read a Compose file. values: what `${NAME}` stands for, beside a `.env` file's.

    root: of the repository; found by its `.git` unless given. Raises PortwrightError for what
    can't be read.
    """
    folder = path.resolve().parent
    root = (root or repository_root(path)).resolve()
    if not folder.is_relative_to(root):
        raise PortwrightError(
            f"{path.name} is outside the repository {root}", remedy="give --root, or copy it inside"
        )
    dotenv = folder / ".env"
    known = {**(env_file(dotenv, {}) if dotenv.is_file() else {}), **values}
    reader = Reader(root, {k: v for k, v in known.items() if isinstance(v, str)})
    services, top = reader.services(path.resolve())
    wanted = set(profiles)
    kept = {}
    project = folder.relative_to(root).as_posix()
    for name, service in services.items():
        own = {str(each) for each in listed(service.pop("profiles", None))}
        if isinstance(service.get("build"), dict):
            service["build"].setdefault("context", project)
        if own and not own & wanted:
            reader.note(f"services.{name}", "ignored", f"only with --profile {sorted(own)[0]}")
        else:
            kept[name] = service
    if not kept:
        raise PortwrightError("there is no service in it", remedy="name a profile, or a service")
    return Loaded(str(top.get("name") or folder.name), kept, top, reader.report)


def env_file(path: Path, values: Mapping[str, str]) -> dict[str, Any]:
    """`KEY=value` lines; a KEY alone is None. Quotes are taken off, `export` is allowed."""
    found: dict[str, Any] = {}
    if path.stat().st_size > MAX_BYTES:
        raise PortwrightError(f"{path.name} is too large", remedy="make it smaller")
    for line in path.read_text(errors="replace").splitlines():
        entry = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*(?:=(.*))?", line)
        if not entry:
            continue
        value = entry[2]
        if value is None:
            found[entry[1]] = values.get(entry[1])
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        else:
            value = re.split(r"\s+#", value)[0]
        found[entry[1]] = value
    return found


def normal(service: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of `KEY=value` as mappings, a list of dependencies too; so that they can be merged."""
    found = dict(service)
    if isinstance(found.get("build"), str):
        found["build"] = {"context": found["build"]}
    elif isinstance(found.get("build"), dict):
        found["build"] = normal(found["build"])
    for key in MAPPINGS:
        if isinstance(found.get(key), list):
            found[key] = pairs(found[key])
    if isinstance(found.get("depends_on"), list):
        found["depends_on"] = {str(name): {} for name in found["depends_on"]}
    return found


def pairs(items: list[Any]) -> dict[str, Any]:
    split = [str(item).partition("=") for item in items]
    return {key: value if equals else None for key, equals, value in split}


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Compose's merge: mappings key by key, some lists joined, anything else replaced."""
    found = dict(base)
    for key, value in over.items():
        old = found.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            found[key] = merged(old, value)
        elif key in JOINED and old is not None and value is not None:
            found[key] = [*listed(old), *listed(value)]
        else:
            found[key] = value
    return found


def listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
