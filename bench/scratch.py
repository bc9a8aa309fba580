"""A platform beside any other on this machine: its own home, ports, names, and nothing left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from bench.ports import free_ports
from stacks.docker.builds.builder import owners, remove

CHECKOUT = Path(__file__).resolve().parent.parent
KEPT = tuple(f"PORTWRIGHT_{name}" for name in ("CACHE", "IMAGES", "INSTALL", "LIBRARY_PORT"))


@dataclass
class Scratch:
    """folder: the code; home: what it writes; instance: the prefix of all its names."""

    folder: Path
    home: Path
    instance: str
    extra: dict[str, str] = field(default_factory=dict)
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    client: docker.DockerClient = field(default_factory=docker.from_env)

    @property
    def env(self) -> dict[str, str]:
        """The caller's environment with this platform's settings for all others."""
        given = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("PORTWRIGHT_") or key in KEPT
        }
        portal, http, traefik = self.ports
        return given | {
            "PORTWRIGHT_HOME": str(self.home),
            "PORTWRIGHT_INSTANCE": self.instance,
            "PORTWRIGHT_PORTAL_PORT": str(portal),
            "PORTWRIGHT_HTTP_PORT": str(http),
            "PORTWRIGHT_TRAEFIK_PORT": str(traefik),
            "PORTWRIGHT_CONFIG": str(self.home / "cli.json"),
            **self.extra,
        }

    @property
    def labelled(self) -> dict[str, str]:
        return {"label": f"portwright.instance={self.instance}"}

    def run(self, *argv: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command in the code's folder; AssertionError with its output where it fails."""
        done = subprocess.run(
            argv, cwd=self.folder, env=self.env, capture_output=True, text=True, **more
        )
        assert not check or done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done

    def quickstart(self, *argv: str, check: bool = True) -> str:
        return self.run("./quickstart", *argv, check=check).stdout

    def containers(self, service: str = "") -> list[Container]:
        labels = [self.labelled["label"]]
        if service:
            labels.append(f"portwright.service={service}")
        return list(self.client.containers.list(all=True, filters={"label": labels}))

    def purge(self) -> None:
        """Leave nothing: daemons, containers, networks, volumes, built images."""
        self.run("./quickstart", "stop", check=False)
        self.clear()

    def clear_earlier(self) -> None:
        """Before the start: what a run of this name that was killed has left in Docker."""
        try:
            self.client.ping()
        except (docker.errors.DockerException, OSError):
            return  # the engine is yet to be started, by us
        self.clear()

    def clear(self) -> None:
        """Take what Docker has of this name."""
        for container in self.containers():
            container.remove(force=True)
        for owner in owners(self.client, self.instance):
            remove(self.client, self.instance, owner)
        for network in self.client.networks.list(filters=self.labelled):
            network.remove()
        for volume in self.client.volumes.list(filters=self.labelled):
            volume.remove(force=True)
        for image in self.client.images.list(filters=self.labelled):
            self.client.images.remove(image.id, force=True)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def platform(
    instance: str = "pwbench", before: Callable[[Scratch], None] = lambda scratch: None
) -> Iterator[Scratch]:
    """A scratch platform of this checkout, of which nothing is left afterwards.

    before: is called with it before anything of it is started.
    """
    with tempfile.TemporaryDirectory(prefix="portwright-bench-") as folder:
        root = Path(folder)
        root.chmod(0o711)
        scratch = Scratch(CHECKOUT, root / "home", instance)
        try:
            scratch.clear_earlier()
            before(scratch)
            say("bringing a scratch platform up")
            scratch.quickstart()
            yield scratch
        finally:
            scratch.purge()
            if scratch.home.is_mount():
                # This process may have its database open still.
                subprocess.run(["umount", "--lazy", scratch.home], check=True)
