"""Who is measured: Portwright's whole path, raw `pulumi up`, and `docker compose up -d`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Protocol

import yaml
from sqlalchemy import select

from bench.programs import compose_file, pulumi_program
from bench.scratch import Scratch
from jobs.database import session_factory
from jobs.doorbell import doorbell
from jobs.models import Project, Release, Run
from jobs.queries import production
from jobs.requests import request_run
from jobs.settings import Settings
from jobs.states import FINAL
from jobs.vault import open_secrets
from stacks.compile import Resource, compile_spec
from stacks.program import Secrets
from stacks.spec import Spec

STEP = 0.01


class Contestant(Protocol):
    name: str

    def up(self) -> None: ...

    def down(self) -> None: ...


class Ours:
    """From the request's row to the Run's final state, through the worker."""

    name = "ours"

    def __init__(self, scratch: Scratch, project: str = "sample") -> None:
        self.project = project
        self.settings = Settings.from_environ(scratch.env)
        self.sessions = session_factory(self.settings.database_url)

    def up(self) -> None:
        self.request("deploy")

    def down(self) -> None:
        self.request("destroy", volumes=["db_data"])

    def request(self, kind: str, **more: Any) -> None:
        with self.sessions() as session:
            project = session.scalars(select(Project).where(Project.name == self.project)).one()
            ring = doorbell(self.settings.redis_url)
            run = request_run(session, ring, production(project), kind, by="bench", **more)
            state = "queued"
            while state not in FINAL:
                time.sleep(STEP)
                session.commit()
                state = session.scalars(select(Run.state).where(Run.id == run.id)).one()
            session.refresh(run)
            assert state == "succeeded", run.error

    def resources(self, instance: str) -> tuple[tuple[Resource, ...], Secrets]:
        """What the project's first release has, under another instance's names."""
        with self.sessions() as session:
            project = session.scalars(select(Project).where(Project.name == self.project)).one()
            query = select(Release).where(Release.environment_id == production(project).id)
            release = session.scalars(query.order_by(Release.id)).first()
            assert release is not None
            spec = Spec.model_validate(release.spec)
            secrets = open_secrets(session, self.settings.key("vault-key"), project.id, spec)
        return compile_spec(spec, instance), secrets


class RawPulumi:
    """`pulumi up --yes` with a YAML program, as somebody would run it by hand."""

    name = "pulumi"

    def __init__(self, scratch: Scratch, folder: Path, ours: Ours, language: Path) -> None:
        self.folder = folder
        (folder / "state").mkdir(parents=True)
        program = pulumi_program(*ours.resources(f"{scratch.instance}raw"))
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(program, sort_keys=False))
        self.env = {
            **os.environ,
            "PATH": f"{scratch.home}/bin:{language.parent}:{os.environ['PATH']}",
            "PULUMI_HOME": f"{scratch.home}/pulumi",
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.pulumi("stack", "init", "bench")

    def pulumi(self, *argv: str) -> None:
        command = ["pulumi", *argv, "--non-interactive"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def up(self) -> None:
        self.pulumi("up", "--yes", "--stack", "bench")

    def down(self) -> None:
        self.pulumi("destroy", "--yes", "--stack", "bench")


class Compose:
    """`docker compose up -d --wait`."""

    name = "compose"

    def __init__(self, scratch: Scratch, folder: Path, ours: Ours, binary: Path) -> None:
        folder.mkdir()
        content = compose_file(*ours.resources(f"{scratch.instance}cmp"))
        (folder / "compose.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        self.argv = [
            str(binary),
            "-p",
            f"{scratch.instance}cmp",
            "-f",
            str(folder / "compose.yaml"),
        ]
        version = subprocess.run(
            [str(binary), "version", "--short"], capture_output=True, text=True
        )
        self.version = version.stdout.strip()

    def compose(self, *argv: str) -> None:
        done = subprocess.run([*self.argv, *argv], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def up(self) -> None:
        self.compose("up", "-d", "--wait")

    def down(self) -> None:
        self.compose("down", "-v", "--timeout", "2")


def memory_mb(home: Path) -> dict[str, float]:
    """Proportional set size of each daemon's process tree, in MB (proc(5), smaps_rollup)."""
    found = {}
    for name in ("portal", "worker", "traefik", "redis"):
        pid = json.loads((home / "run" / f"{name}.json").read_text())["pid"]
        found[name] = round(tree_kb(pid) / 1024, 1)
    return {**found, "total": round(sum(found.values()), 1)}


def tree_kb(pid: int) -> int:
    """Of a process and all below it; one that ends in between counts nothing."""
    folder = Path(f"/proc/{pid}")
    try:
        children = (folder / "task" / str(pid) / "children").read_text().split()
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    own = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return own + sum(tree_kb(int(child)) for child in children)
