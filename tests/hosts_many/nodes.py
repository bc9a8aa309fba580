"""A platform, the node that it deploys to, and a project that is placed there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from harness import Platform
from vps import Done, Vps

from bench.downtime import APP
from bench.project import ScratchProject
from jobs.database import session_factory
from jobs.doorbell import doorbell
from jobs.models import Run
from jobs.records import record
from jobs.settings import Settings
from jobs.tls import AGAIN
from stacks.processes import start_time

NAME = "node"
INSTANCE = "pwnodes"
FINGERPRINT = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2"
PATIENCE = 60.0


def bootstrap(vps: Vps, action: str, *argv: str, **settings: object) -> Done:
    """With an inventory that names the platform's instance, and has these settings."""
    found = vps.inventory(settings={"INSTANCE": INSTANCE, **settings})
    return vps.portwright(action, *argv, "--inventory", str(found))


class Field:
    def __init__(self, platform: Platform, node: Vps) -> None:
        self.platform, self.node = platform, node

    def cli(self, *argv: str) -> tuple[int, str]:
        """What a person types: exit code, and all that is printed."""
        done = self.platform.cli(*argv, check=False)
        return done.returncode, done.stdout + done.stderr

    def backup(self, *argv: str) -> tuple[int, str]:
        """What the administrator types on the portal's machine, `portwright-admin backup`."""
        command = (".venv/bin/python", "-m", "jobs.admin", "backup", *argv)
        done = self.platform.run(*command, check=False)
        return done.returncode, done.stdout + done.stderr

    def fingerprint(self) -> str:
        """As the host's own console tells it."""
        return self.node.outside("sh", "-c", FINGERPRINT)

    def install(self) -> None:
        """Put our line where `hosts show` says that it belongs."""
        line = self.platform.api(f"/hosts/{NAME}")["host"]["authorized_key"]
        add = "cat >>/root/.ssh/authorized_keys"
        self.node.outside("sh", "-c", add, stdin=f"{line}\n".encode())

    @cached_property
    def shop(self) -> ScratchProject:
        """Made by the command line, on the node; not deployed yet."""
        made = Placed(self.platform, self.platform.home.parent / "shop", "shop")
        made.write("web/app.py", f"print('hello from the node', flush=True)\n{APP.read_text()}")
        made.write(
            "web/Dockerfile", "FROM portwright/python:3.13\nCOPY app.py /\nCMD python3 /app.py\n"
        )
        self.number(made, 1)
        return made

    @cached_property
    def notes(self) -> ScratchProject:
        """One with a volume, on the node; not deployed yet."""
        made = Placed(self.platform, self.platform.home.parent / "notes", "notes")
        keeper = {
            "image": "portwright/python:3.13", "command": ["sleep", "infinity"], "init": True,
            "volumes": {"data": "/data"},
        }  # fmt: skip
        made.commit({"rollback_window": "0s", "services": {"keeper": keeper}})
        return made

    def inside(self, command: str) -> str:
        """A command in the container that has the volume."""
        found = self.node.outside(
            "docker", "ps", "--quiet", "--filter", "label=portwright.project=notes"
        )
        return self.node.outside("docker", "exec", found, "sh", "-c", command)

    def number(self, project: ScratchProject, number: int, *domains: str) -> None:
        web = {
            "build": "web", "port": 8000, "env": {"NUMBER": str(number)},
            "healthcheck": {"http": "/health", "interval": "1s"}, "domains": list(domains),
        }  # fmt: skip
        project.commit({"rollback_window": "0s", "services": {"web": web}})

    def deploy(self, number: int, *domains: str) -> Run:
        self.number(self.shop, number, *domains)
        return self.shop.run("deploy")

    def domain(self, host: str) -> dict[str, Any]:
        """What the portal says of a name."""
        found = self.platform.api("/projects/shop/domains")["domains"]
        return next(each for each in found if each["host"] == host)

    def again(self, host: str) -> None:
        """As the button does."""
        with self.shop.sessions() as session:
            record(session, "alice@example.com", AGAIN, "shop", host=host)
            session.commit()

    def served(self) -> str:
        """The number that the node's own Traefik serves to the world; else the status."""
        answer = httpx.get(
            f"http://{self.node.address}/env?NUMBER", headers={"Host": "web.shop.localhost"},
            timeout=20,
        )  # fmt: skip
        return answer.text if answer.status_code == 200 else str(answer.status_code)

    def there(self) -> list[str]:
        """The project's containers on the node, by service."""
        told = self.node.outside(
            "docker", "ps", "--filter", "label=portwright.project=shop",
            "--format", '{{.Label "portwright.service"}}',
        )  # fmt: skip
        return sorted(told.split())

    def here(self) -> tuple[int, int]:
        """What this machine's own engine has of the platform: containers, images."""
        images = self.platform.client.images.list(filters=self.platform.labelled)
        return len(self.platform.containers()), len(images)

    def kill_way(self) -> int:
        """The ssh process dies at once; its pid."""
        record = self.platform.home / "run/hosts" / NAME / "tunnel.json"
        kept = json.loads(record.read_text())
        pid, started = int(kept["pid"]), int(kept["started"])
        assert start_time(pid) == started and b"ssh" in Path(f"/proc/{pid}/cmdline").read_bytes()
        os.kill(pid, signal.SIGKILL)
        return pid

    def until_logged(self, run_id: int, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.shop.log(run_id):
            assert time.monotonic() < deadline, self.shop.log(run_id)
            time.sleep(0.02)

    def freeze(self) -> None:
        """The machine says nothing more, as one whose network is cut."""
        subprocess.run(["docker", "pause", self.node.name], check=True, capture_output=True)

    def thaw(self) -> None:
        subprocess.run(["docker", "unpause", self.node.name], check=True, capture_output=True)


class Placed(ScratchProject):
    """Registered with --host by the command line, rather than in the database."""

    def __init__(self, platform: Platform, folder: Path, name: str) -> None:
        folder.mkdir(parents=True)
        argv = ("projects", "add", name, str(folder), "--host", NAME)
        platform.cli(*argv)
        self.scratch, self.folder, self.name = platform, folder, name
        self.settings = Settings.from_environ(platform.env)
        self.sessions = session_factory(self.settings.database_url)
        self.ring = doorbell(self.settings.redis_url)
        self.git("init", "--quiet", "--initial-branch", "main")
