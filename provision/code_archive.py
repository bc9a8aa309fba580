"""Portwright's own code as one archive: the same files give the same name and the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOMS = (
    *("cli", "forges", "inventory/group_data", "jobs", "portal"),
    *("provision", "samples", "stacks", "toolchain", "tools", "zones"),
)
# What `jobs.node` needs of the packages.
ON_NODES = ("cryptography", "pyyaml")


@dataclass(frozen=True)
class Described:
    """version: `0.1.0-<hash of every file>`; packages: a hash of what pip is to install."""

    version: str
    packages: str
    requirements: str


def files_of(checkout: Path) -> list[Path]:
    """The files of the rooms, sorted; what git would leave out is left out.

    What an operator keeps of the hosts in inventory/ is none of them, whatever its name.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=checkout,
        capture_output=True,
    )
    if listed.returncode == 0 and listed.stdout:
        names = {checkout / name for name in listed.stdout.decode().split("\0") if name}
    else:
        names = {path for room in ROOMS for path in (checkout / room).rglob("*")}
    names.add(checkout / "pyproject.toml")
    return sorted(path for path in names if path.is_file() and "__pycache__" not in path.parts)


def describe(checkout: Path) -> Described:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    digest = hashlib.sha256()
    for path in files_of(checkout):
        digest.update(str(path.relative_to(checkout)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest() + bytes([executable(path)]))
    requirements = "".join(f"{line}\n" for line in project["dependencies"])
    return Described(
        f"{project['version']}-{digest.hexdigest()[:12]}", short_hash(requirements), requirements
    )


def of_node(requirements: str) -> str:
    """Those of them that a node with HTTPS needs."""
    lines = requirements.splitlines(keepends=True)
    return "".join(line for line in lines if line.partition("==")[0] in ON_NODES)


def short_hash(requirements: str) -> str:
    return hashlib.sha256(requirements.encode()).hexdigest()[:12]


def pack(checkout: Path) -> bytes:
    """A tar.gz of files_of, owned by root, without times."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path in files_of(checkout):
            info = tarfile.TarInfo(str(path.relative_to(checkout)))
            content = path.read_bytes()
            info.size, info.mode = len(content), 0o755 if executable(path) else 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)
