"""Submodules: where .gitmodules says that they are, gitmodules(5).

git itself is never told to update them: a name there has been a path (CVE-2018-11235), and
a URL an option (CVE-2018-17456). Only path and url are read; where a submodule is laid out
comes from the commit's own tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from git import GitCommandError

from jobs.source.address import Address, relative
from jobs.source.command import run

DEEPEST, MOST = 5, 100
SECONDS = 60.0


def addresses(
    mirror: Path, environ: Mapping[str, str], commit: str, parent: Address
) -> dict[str, Address]:
    """Path -> address. Raises PortwrightError where one is not an address on a forge."""
    argv = ["git", "config", "--blob", f"{commit}:.gitmodules", "--null", "--no-includes",
            "--get-regexp", r"^submodule\..*\.(path|url)$"]  # fmt: skip
    try:
        out = run(argv, folder=mirror, environ=environ, seconds=SECONDS, most=1 << 20)
    except GitCommandError:
        return {}
    paths: dict[str, str] = {}
    urls: dict[str, str] = {}
    for line in out.decode(errors="replace").split("\0")[:-1]:
        key, _, value = line.partition("\n")
        name, _, field = key.removeprefix("submodule.").rpartition(".")
        (paths if field == "path" else urls)[name] = value
    return {
        path: relative(parent, urls[name], f"submodules.{path}")
        for name, path in paths.items()
        if name in urls
    }
