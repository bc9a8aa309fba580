"""`portwright upgrade`: the new version's code beside the old, in HOME/versions, and its take-over."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from jobs.settings import Settings
from provision.operations import CHECKOUT
from stacks.errors import PortwrightError, explained

REF = re.compile(r"(?!-)[A-Za-z0-9._/-]{1,200}")
ENV = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def fetch(home: Path, repository: str, ref: str) -> Path:
    """The folder with that version, whole. repository: what git clones from.

    Raises PortwrightError where it can't be had.
    """
    if not REF.fullmatch(ref) or repository.startswith("-"):
        raise PortwrightError(f"{ref!r} is no version", remedy="give a tag or commit", path="to")
    versions = home / "versions"
    versions.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = versions / ".new"
    shutil.rmtree(partial, ignore_errors=True)
    git("clone", "--quiet", "--no-checkout", "--no-hardlinks", "--", repository, str(partial))
    for name in (f"refs/tags/{ref}", f"refs/remotes/origin/{ref}", ref):
        commit = git("-C", str(partial), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if commit:
            break
    else:
        raise PortwrightError(
            f"{repository} has no version {ref}", remedy="give a tag or commit of it", path="to"
        )
    folder = versions / commit[:12]
    git("-C", str(partial), "checkout", "--quiet", "--detach", commit)
    if not folder.exists():
        partial.rename(folder)
    shutil.rmtree(partial, ignore_errors=True)
    return folder


def git(*argv: str) -> str:
    done = subprocess.run(["git", *argv], env={**os.environ, **ENV}, capture_output=True, text=True)
    if done.returncode and "rev-parse" not in argv:
        raise PortwrightError(
            f"git: {done.stderr.strip()[-300:]}", remedy="correct what it says", path="from"
        )
    return done.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="portwright upgrade")
    parser.add_argument("--to", required=True)
    parser.add_argument("--from", dest="repository", default="")
    given = parser.parse_args()
    with explained():
        repository = given.repository or git("-C", str(CHECKOUT), "remote", "get-url", "origin")
        folder = fetch(Settings.from_environ().home, repository, given.to)
    print(f"The new version is in {folder}", flush=True)
    return subprocess.run([str(folder / "quickstart"), "upgrade"], cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
