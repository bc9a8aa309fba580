"""Go: one binary of a module."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import RUNTIME, Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.errors import PortwrightError

DEFAULT = "1.26"
PORT = 8080
CACHES = ("/go/pkg/mod", "/root/.cache/go-build")
MODULE = re.compile(r"(?m)^module[ \t]+\"?([^\s\"]+)")
WANTED = re.compile(
    r"(?m)^(?:toolchain[ \t]+go|go[ \t]+)([0-9]{1,2})\.([0-9]{1,3})(?:\.[0-9]{1,3})?\b"
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAIN = re.compile(r"(?m)^package main\b")
# Folders that programs often read beside their binary.
ASSETS = (
    "assets",
    "config",
    "configs",
    "migrations",
    "public",
    "static",
    "templates",
    "views",
    "web",
)


def marker(folder: Folder) -> str | None:
    """Return go.mod, where it exists."""
    return folder.first("go.mod")


def write(source: Source) -> Detected:
    """Write a Dockerfile whose image holds the binary, and folders such as `templates`."""
    folder = source.folder
    module = folder.text("go.mod")
    package = main_package(folder, source.service)
    name = binary_name(module)
    dockerfile = Dockerfile()
    dockerfile.stage(f"golang:{go_version(module)}", "build")
    dockerfile.add("WORKDIR /src")
    if not folder.has_folder("vendor") and not folder.has("go.work"):
        sums = " go.sum" if folder.has("go.sum") else ""
        if not re.search(r"=>\s*\.", module):
            dockerfile.add(f"COPY go.mod{sums} ./")
            dockerfile.run("go mod download", caches=CACHES[:1])
    dockerfile.add("COPY . .")
    dockerfile.run(
        f"go build -buildvcs=false -trimpath -ldflags='-s -w' -o /out/bin/{name} {package}",
        caches=CACHES,
    )
    dockerfile.stage(RUNTIME)
    dockerfile.install(["ca-certificates", "tzdata"])
    dockerfile.app_user()
    dockerfile.env(PATH="/app/bin:$PATH", PORT=str(PORT))
    for asset in ASSETS:
        if folder.has_folder(asset):
            dockerfile.add(f"COPY --chown=app:app {asset} ./{asset}")
    dockerfile.add("COPY --from=build /out/bin ./bin", "USER app")
    dockerfile.cmd(shell(source.process) if source.process else [f"/app/bin/{name}"])
    return Detected(dockerfile.text(), f"Go: go.mod, {package}", port=PORT)


def go_version(module: str) -> str:
    """Return the default, or the newer version that go.mod demands."""
    wanted = max(
        ((int(major), int(minor)) for major, minor in WANTED.findall(module)), default=(1, 0)
    )
    default = tuple(int(part) for part in DEFAULT.split("."))
    return DEFAULT if wanted <= default else f"{wanted[0]}.{wanted[1]}"


def binary_name(module: str) -> str:
    """Return the last part of the module's path, as `go install` names the binary."""
    found = MODULE.search(module)
    parts = found[1].split("/") if found else []
    if len(parts) > 1 and re.fullmatch(r"v[0-9]+", parts[-1]):
        parts.pop()
    return parts[-1] if parts and NAME.fullmatch(parts[-1]) else "app"


def main_package(folder: Folder, service: str) -> str:
    """Return the package to build: the root, `cmd/SERVICE`, or the only one in `cmd`."""
    if is_main(folder, "."):
        return "."
    commands = [name for name in folder.folders("cmd") if is_main(folder, name)]
    commands = commands or [name for name in folder.folders() if is_main(folder, name)]
    named = [name for name in commands if name.rpartition("/")[2] == service]
    if len(named or commands) == 1:
        return f"./{(named or commands)[0]}"
    if not commands:
        raise PortwrightError(
            "The Go module has no main package in its root, in cmd or in a folder of its root",
            remedy="Commit a Dockerfile that builds the program.",
            path="build",
        )
    raise PortwrightError(
        f"The Go module has several programs ({', '.join(commands[:5])}), none named {service}",
        remedy="Name the service after one of them, or commit a Dockerfile.",
        path="build",
    )


def is_main(folder: Folder, inside: str) -> bool:
    """Return whether a folder holds `package main`."""
    files = [name for name in folder.names(".go", inside) if not name.endswith("_test.go")]
    return any(MAIN.search(folder.text(name)) for name in files)
