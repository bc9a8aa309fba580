"""Make root file systems of Debian with debootstrap, and keep each of them in the cache as one tar file."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stacks.errors import PortwrightError

# Debian's own keys. They are always checked: other systems' debootstrap would only warn.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITE = re.compile(r"[a-z]{2,20}")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,80}")
# Raise it when the same packages would give another root file system.
VERSION = 2
Say = Callable[[str], None]


def key(suite: str, include: Sequence[str]) -> str:
    """Return a hash of what the root file system is made of."""
    content = f"{VERSION} {suite} {','.join(sorted(include))} {os.uname().machine}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def archive_path(cache: Path, suite: str, include: Sequence[str]) -> Path:
    """Return where the cache keeps this root file system, whether it exists yet or not."""
    return cache / "images" / f"debian-{suite}-{key(suite, include)}.tar"


def archive(cache: Path, suite: str, include: Sequence[str], say: Say) -> Path:
    """Return a tar file with a minimal Debian and these packages, and make it if it is missing.

    The file is either complete or absent. Its apt also knows the suite's security archive.
    Raises PortwrightError if debootstrap cannot make it.
    """
    check_names(suite, include)
    target = archive_path(cache, suite, include)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with lock(target.with_suffix(".lock")):
        if not target.exists():
            say(f"creating a minimal Debian ({suite}) with debootstrap; this takes about a minute")
            make(target, suite, include)
    return target


def check_names(suite: str, include: Sequence[str]) -> None:
    """Raise PortwrightError unless these are names of a suite and of packages."""
    for kind, pattern, names in (("suite", SUITE, [suite]), ("package", PACKAGE, include)):
        for name in names:
            if not pattern.fullmatch(name):
                raise PortwrightError(
                    f"{name!r} is not a valid name of a Debian {kind}",
                    remedy="use lowercase letters, digits, '+', '-' and '.' only",
                    path="images.debian",
                )


def make(target: Path, suite: str, include: Sequence[str]) -> None:
    """Run debootstrap and pack its result; nothing but the complete file remains."""
    if not shutil.which("debootstrap") or not KEYRING.exists():
        raise PortwrightError(
            "debootstrap or Debian's archive keys are missing on this machine",
            remedy="apt-get install debootstrap debian-archive-keyring",
            path="images.debian",
        )
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="debian-") as scratch:
        root, log, partial = (Path(scratch) / name for name in ("root", "log", "root.tar"))
        with log.open("wb") as out:
            code = subprocess.run(
                command(suite, include, root), stdout=out, stderr=subprocess.STDOUT
            ).returncode
        if code:
            lines = log.read_text(errors="replace").splitlines()
            raise PortwrightError(
                "debootstrap failed: " + " | ".join(lines[-3:]),
                remedy="check that this machine can reach Debian's packages, then try again",
                path="images.debian",
            )
        add_security_updates(root / "etc/apt/sources.list", suite)
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        subprocess.run(
            ["tar", "--sort=name", "--numeric-owner", "-C", str(root), "-cf", str(partial), "."],
            check=True,
        )
        partial.rename(target)


def command(suite: str, include: Sequence[str], root: Path) -> list[str]:
    """Return debootstrap's command line."""
    packages = [f"--include={','.join(sorted(include))}"] if include else []
    checked = [f"--keyring={KEYRING}", "--force-check-gpg"]
    return ["debootstrap", "--variant=minbase", *checked, *packages, suite, str(root)]


def add_security_updates(sources: Path, suite: str) -> None:
    """Add the suite's security archive, which is on the same mirror as the main one."""
    main = sources.read_text()
    security = re.sub(rf"(\S+)/debian/? {suite} ", rf"\1/debian-security {suite}-security ", main)
    if security != main:
        sources.write_text(main + security)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a file lock, so that two processes do not make the same file at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
