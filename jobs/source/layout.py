"""The files of a commit, laid out in a folder byte for byte.

Links are laid out as links: docker packs them as such, and what Portwright reads itself goes
through stacks.build.inside. Nothing here writes through one (CVE-2024-32002).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from jobs.source.command import MEMORY, run
from jobs.source.listing import LINK, Entry
from stacks.errors import PortwrightError

LAYOUT_SECONDS = 600.0


def lay_out(
    mirror: Path, environ: Mapping[str, str], commit: str, folder: Path, index: Path, most: int
) -> None:
    """Write the commit's files into an empty folder. most: bytes of the largest of them.

    index: a file that goes again. Raises git.GitCommandError.
    """
    place = {"GIT_DIR": str(mirror), "GIT_WORK_TREE": str(folder), "GIT_INDEX_FILE": str(index)}
    try:
        for argv in (
            ["read-tree", "--end-of-options", commit],
            ["checkout-index", "--all", "--force"],
        ):
            run(
                ["git", *argv], folder=folder, environ={**environ, **place},
                seconds=LAYOUT_SECONDS, most=max(most, 1 << 26), memory=MEMORY + most,
            )  # fmt: skip
    finally:
        index.unlink(missing_ok=True)


def real_folder(root: Path, relative: str) -> Path:
    """The folder of a submodule, made where missing, with no link on the way to it."""
    folder = root
    for part in Path(relative).parts:
        folder = folder / part
        if folder.is_symlink() or part == "..":
            raise PortwrightError(
                f"{relative!r} leads through a link", remedy="put the submodule elsewhere",
                path="repository",
            )  # fmt: skip
        folder.mkdir(exist_ok=True)
    return folder


def check_links(root: Path, found: list[Entry]) -> None:
    """docker reads a .dockerignore through a link: one that leads out could make it read
    anything of this server, or /dev/zero without end."""
    for entry in found:
        if entry.mode == LINK and entry.path.casefold().endswith(".dockerignore"):
            target = Path(os.path.realpath(root / entry.path))
            if not target.is_relative_to(root.resolve()):
                raise PortwrightError(
                    f"{entry.path!r} is a link that leads out of the repository",
                    remedy="commit a file instead",
                    path="repository",
                )
