"""Rust: one binary of a crate or workspace."""

from __future__ import annotations

import re
from typing import Any

from stacks.docker.builds.detect.dockerfile import RUNTIME, Dockerfile, shell
from stacks.docker.builds.detect.folder import SAFE_PATH, Folder, string, strings, table
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.versions import exact, first_line
from stacks.errors import PortwrightError

PORT = 8080
CACHES = ("/usr/local/cargo/registry", "/usr/local/cargo/git", "/src/target")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
ASSETS = ("assets", "config", "migrations", "public", "static", "templates")


def marker(folder: Folder) -> str | None:
    """Return Cargo.toml, where it belongs to a program or a workspace."""
    if not folder.has("Cargo.toml"):
        return None
    text = folder.text("Cargo.toml")
    program = folder.has("src/main.rs") or folder.has_folder("src/bin")
    return "Cargo.toml" if program or re.search(r"(?m)^\[(\[bin\]|workspace)", text) else None


def write(source: Source) -> Detected:
    """Write a Dockerfile that keeps cargo's registry and target folder between builds."""
    folder = source.folder
    version, notices = rust_version(folder)
    binary = choose_binary(binaries(folder), source.service)
    locked = " --locked" if folder.has("Cargo.lock") else ""
    dockerfile = Dockerfile()
    dockerfile.stage(f"rust:{version}", "build")
    dockerfile.add("WORKDIR /src", "COPY . .")
    # The target folder is a cache, which is gone after the instruction.
    dockerfile.run(
        f"cargo build --release{locked} --bin {binary}",
        f"install -D target/release/{binary} /out/{binary}",
        caches=CACHES,
    )
    dockerfile.stage(RUNTIME)
    dockerfile.install(["ca-certificates", "libssl3t64"])
    dockerfile.app_user()
    dockerfile.env(PATH="/app/bin:$PATH", PORT=str(PORT))
    for asset in ASSETS:
        if folder.has_folder(asset):
            dockerfile.add(f"COPY --chown=app:app {asset} ./{asset}")
    dockerfile.add("COPY --from=build /out ./bin", "USER app")
    dockerfile.cmd(shell(source.process) if source.process else [f"/app/bin/{binary}"])
    return Detected(dockerfile.text(), f"Rust: Cargo.toml, program {binary}", notices, PORT)


def rust_version(folder: Folder) -> tuple[str, tuple[str, ...]]:
    """Return the toolchain of rust-toolchain(.toml), else the newest Rust 1."""
    channel = first_line(folder.text("rust-toolchain"))
    if folder.has("rust-toolchain.toml"):
        channel = string(folder.toml("rust-toolchain.toml"), "toolchain", "channel")
    elif channel.startswith("["):
        channel = string(folder.toml("rust-toolchain"), "toolchain", "channel")
    if not channel or channel == "stable":
        return "1", ()
    if version := exact(channel):
        return version, ()
    return "1", ("rustup installs the toolchain of rust-toolchain.toml during the build.",)


def binaries(folder: Folder) -> list[str]:
    """Return the programs of the crate, or of a workspace's members."""
    manifest = folder.toml("Cargo.toml")
    if default := string(manifest, "package", "default-run"):
        return _safe([default])
    found = _of_crate(folder, manifest, "")
    for pattern in strings(table(manifest, "workspace").get("members")):
        for member in _members(folder, pattern):
            if folder.has(f"{member}/Cargo.toml"):
                found += _of_crate(folder, folder.toml(f"{member}/Cargo.toml"), f"{member}/")
    return _safe(found)


def _of_crate(folder: Folder, manifest: dict[str, Any], prefix: str) -> list[str]:
    named = manifest.get("bin")
    found = (
        [string(item, "name") for item in named if isinstance(item, dict)]
        if isinstance(named, list)
        else []
    )
    if not found and folder.has(f"{prefix}src/main.rs"):
        found.append(string(manifest, "package", "name"))
    inside = f"{prefix}src/bin"
    return found + [name.rpartition("/")[2][:-3] for name in folder.names(".rs", inside)]


def _members(folder: Folder, pattern: str) -> list[str]:
    if not SAFE_PATH.fullmatch(pattern.removesuffix("/*")):
        return []
    return folder.folders(pattern[:-2]) if pattern.endswith("/*") else [pattern]


def _safe(names: list[str]) -> list[str]:
    return sorted({name for name in names if NAME.fullmatch(name)})


def choose_binary(names: list[str], service: str) -> str:
    """Return the program to build; raises PortwrightError where that is not clear."""
    if service in names:
        return service
    if len(names) == 1:
        return names[0]
    known = f"several programs ({', '.join(names[:5])})" if names else "no program"
    raise PortwrightError(
        f"Cargo.toml has {known}, none named {service}",
        remedy="Name the service after one of them, or commit a Dockerfile.",
        path="build",
    )
