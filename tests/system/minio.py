"""A bucket of a MinIO server of the tests' own, built from its Go module."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness import CHECKOUT, free_ports

from provision.daemons import Daemon, start, stop


@dataclass(frozen=True)
class Bucket:
    """location: as PORTWRIGHT_BACKUP holds it."""

    location: str
    user: str
    password: str

    def folder(self) -> str:
        """A new one in it."""
        return f"{self.location}/{secrets.token_hex(4)}"

    def at(self, host: str) -> Bucket:
        """The same as another machine reaches it."""
        return replace(self, location=re.sub(r"//[^:]+:", f"//{host}:", self.location))

    def give_keys(self, home: Path) -> None:
        """As an operator gives them to a host."""
        (home / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in (("backup-s3-id", self.user), ("backup-s3-secret", self.password)):
            (home / "keys" / name).write_text(text)
            (home / "keys" / name).chmod(0o600)


@contextmanager
def minio(root: Path, address: str = "127.0.0.1") -> Iterator[Bucket]:
    """root: a folder for its program, its data and its log; address: where it listens."""
    root.mkdir(exist_ok=True)
    install = [sys.executable, "-m", "toolchain", "install", "--into", str(root / "bin"), "minio"]
    subprocess.run(install, cwd=CHECKOUT, check=True)
    (port,) = free_ports(1)
    user, password = "backups", secrets.token_urlsafe(24)
    env = {"MINIO_ROOT_USER": user, "MINIO_ROOT_PASSWORD": password, "MINIO_UPDATE": "off"}
    argv = [str(root / "bin/minio"), "server", "--quiet", "--address", f"{address}:{port}"]
    start(root, Daemon("minio", [*argv, str(root / "data")], env, ready=f"{address}:{port}"))
    try:
        yield Bucket(f"s3:http://{address}:{port}/portwright", user, password)
    finally:
        stop(root, "minio")
