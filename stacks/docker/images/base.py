"""The base of the local recipes: a minimal Debian made by debootstrap, kept in the cache as one file."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from stacks.errors import PortwrightError

SUITE = "bookworm"
INCLUDE = "ca-certificates"
TAG = "portwright/base:bookworm"
Say = Callable[[str], None]


def key() -> str:
    """What the base is made of; a new key makes a new base."""
    return hashlib.sha256(f"1 {SUITE} {INCLUDE} {os.uname().machine}".encode()).hexdigest()[:16]


def archive(cache: Path, say: Say) -> Path:
    """The base as a tar file, made where it is missing; complete or not there at all."""
    target = cache / "images" / f"base-{key()}.tar"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    say("making a minimal Debian with debootstrap (about a minute)")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="base-") as scratch:
        root = Path(scratch) / "root"
        log = Path(scratch) / "log"
        with log.open("wb") as out:
            made = subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={INCLUDE}", SUITE, str(root)],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        if made.returncode:
            raise PortwrightError(
                "debootstrap failed: " + " | ".join(log.read_text().splitlines()[-3:]),
                remedy="check that this machine reaches Debian's packages, then try again",
                path="images.base",
            )
        add_security_updates(root / "etc/apt/sources.list")
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        partial = Path(scratch) / "base.tar"
        subprocess.run(
            ["tar", "--sort=name", "--numeric-owner", "-C", str(root), "-cf", str(partial), "."],
            check=True,
        )
        partial.rename(target)
    return target


def add_security_updates(sources: Path) -> None:
    """Beside the main archive, its security archive, which lives on the same mirror."""
    main = sources.read_text()
    security = re.sub(rf"(\S+)/debian/? {SUITE} ", rf"\1/debian-security {SUITE}-security ", main)
    if security != main:
        sources.write_text(main + security)
