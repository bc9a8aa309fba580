"""What it takes to get to a host, and where its sockets are on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs.hosts.address import Address
from jobs.node import SOCKET


@dataclass(frozen=True)
class Way:
    """home: PORTWRIGHT_HOME; traefik_port: on its loopback."""

    home: Path
    name: str
    address: Address
    private_key: str = field(repr=False)
    known_hosts: str
    traefik_port: int

    @property
    def folder(self) -> Path:
        return self.home / "run/hosts" / self.name

    @property
    def engine(self) -> str:
        """As Docker's clients take it."""
        return f"unix://{self.folder / 'engine.sock'}"

    @property
    def traefik(self) -> Path:
        return self.folder / "traefik.sock"

    @property
    def certificates(self) -> Path:
        """What looks after them there (jobs.node), where HTTPS is on."""
        return self.folder / "tls.sock"

    @property
    def digest(self) -> str:
        """Another one is another way, and needs another process."""
        told = [
            str(self.address),
            self.private_key,
            self.known_hosts,
            str(self.traefik_port),
            SOCKET,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@contextmanager
def papers(way: Way) -> Iterator[Path]:
    """A folder with the key and the confirmed keys of the host, while ssh logs in."""
    way.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix="papers-", dir=way.folder))
    try:
        for name, text in (("key", way.private_key), ("known_hosts", way.known_hosts)):
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text.strip() + "\n")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
