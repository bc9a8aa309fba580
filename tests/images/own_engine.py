"""A Docker engine of a test's own, beside the machine's."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import docker


@dataclass
class Engine:
    """folder: its state. bridge: its network interface; with none at all, dockerd would remove the
    machine's docker0. network: the first two numbers of its addresses."""

    folder: Path
    bridge: str
    network: str = "10.214"
    pool: str = "10.213"
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def gateway(self) -> str:
        """The machine's address as its containers reach it, under the name `host-gateway`."""
        return f"{self.network}.0.1"

    def start(self) -> None:
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            ip("link", "add", self.bridge, "type", "bridge")
            ip("address", "add", f"{self.gateway}/24", "dev", self.bridge)
            ip("link", "set", self.bridge, "up")
        config = self.folder / "daemon.json"
        # The machine's own names address pools too, which dockerd refuses; this much it has of it.
        config.write_text(json.dumps({"live-restore": True}))
        command = [
            "dockerd", "--config-file", str(config),
            "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
            "--pidfile", f"{self.folder}/pid", "--host", self.url, "--bridge", self.bridge,
            "--iptables=false", "--default-address-pool", f"base={self.pool}.0.0/16,size=24",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client().close()
                return
            except docker.errors.DockerException:
                alive = self.process.poll() is None and time.monotonic() < deadline
                assert alive, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.2)

    def client(self) -> docker.DockerClient:
        return docker.DockerClient(self.url)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it and its containers; only the folder is left."""
        assert self.process is not None
        with closing(self.client()) as client:
            for container in client.containers.list(all=True):
                container.remove(force=True)
        self.process.terminate()
        self.process.wait(60)
        ip("link", "delete", self.bridge)
        # dockerd mounts its folder on itself; pathlib sees only other file systems as mounts.
        if str(self.folder / "data") in Path("/proc/self/mounts").read_text():
            subprocess.run(["umount", "--lazy", self.folder / "data"], check=True)

    def load(self, *names: str) -> None:
        """Give it images of the machine's engine."""
        saved = subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE)
        environ = {**os.environ, "DOCKER_HOST": self.url}
        subprocess.run(["docker", "load"], stdin=saved.stdout, env=environ, check=True)
        assert saved.wait() == 0


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True)
