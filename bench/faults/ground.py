"""A scratch platform under fault, a project on it, and what must be so after each fault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.downtime import APP
from bench.faults.points import PLACES, Point
from bench.load import ask
from bench.project import DOCKERFILE, ScratchProject
from bench.scratch import Scratch, platform
from jobs.guard import mark_of
from jobs.models import Run
from jobs.states import FINAL
from stacks.processes import marked

INJECT = Path(__file__).parent / "inject"
PATIENCE = 60.0
TICKS = "import itertools, time\nfor n in itertools.count(): print('tick', n); time.sleep(0.2)"
SECRET = "s3cret-canary-4711"


class Ground:
    """folder: where the faults are told; the project `web` builds a service with a route and
    has a second one beside it."""

    def __init__(self, scratch: Scratch, folder: Path) -> None:
        self.scratch = scratch
        self.faults = folder / "fault"
        self.project = ScratchProject(scratch, folder / "faulty", "faulty")
        self.number = 0

    def content(self, **web: Any) -> dict[str, Any]:
        self.number += 1
        return {
            "rollback_window": "0s",
            "services": {
                "web": {
                    "build": "web",
                    "port": 8000,
                    "healthcheck": {"http": "/health", "interval": "1s"},
                    "env": {"NUMBER": str(self.number)},
                    **web,
                },
                "idle": {
                    "image": "portwright/python:3.13",
                    "command": ["python3", "-u", "-c", TICKS],
                },
            },
        }

    def begin(self) -> None:
        self.project.write("web/app.py", APP.read_text())
        self.project.write("web/Dockerfile", DOCKERFILE)
        self.project.deploy(self.content())

    def change(self, **web: Any) -> None:
        """A commit that changes the image and a variable."""
        content = self.content(**web)
        self.project.write("web/number.txt", str(self.number))
        self.project.commit(content)

    def arm(self, *points: Point) -> None:
        self.struck.unlink(missing_ok=True)
        self.faults.write_text("\n".join(point.line for point in points))

    @property
    def struck(self) -> Path:
        return self.faults.with_name("fault.struck")

    def wait_struck(self, patience: float = PATIENCE) -> float:
        """Until the fault has struck; the moment, on the monotonic clock."""
        deadline = time.monotonic() + patience
        while not self.struck.exists():
            assert time.monotonic() < deadline, f"no fault: {self.faults.read_text()}"
            time.sleep(0.01)
        return time.monotonic()

    def wait_final(self, run_id: int, patience: float = PATIENCE) -> Run:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with self.project.sessions() as session:
                run = session.get_one(Run, run_id)
                if run.state in FINAL:
                    session.expunge(run)
                    return run
            time.sleep(0.05)
        raise AssertionError(f"no end within {patience} s:\n{self.project.log(run_id)}")

    def wait_state(self, run_id: int, *states: str, patience: float = 30.0) -> None:
        """Until the Run is in one of these states."""
        deadline = time.monotonic() + patience
        while True:
            with self.project.sessions() as session:
                state = session.get_one(Run, run_id).state
            if state in states:
                return
            assert time.monotonic() < deadline, (state, self.project.log(run_id))
            time.sleep(0.05)

    def number_served(self) -> int:
        """Which version answers; waits a few seconds for one to do."""
        deadline = time.monotonic() + 20
        while True:
            status, body = ask(self.scratch.ports[1], "web.faulty.localhost", "/env?NUMBER")
            if status == 200:
                return int(body)
            assert time.monotonic() < deadline, f"nothing serves: {status} {body!r}"
            time.sleep(0.1)

    def check_clean(self, run_id: int) -> None:
        """Two containers, one network, no helper process; the engine's state says the same."""
        names = sorted(str(each.name) for each in self.project.containers())
        services = [each.labels["portwright.service"] for each in self.project.containers()]
        assert sorted(services) == ["idle", "web"], names
        deadline = time.monotonic() + 10
        while left := marked(mark_of(self.project.settings, run_id)):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)
        plan = self.project.run("plan")
        assert plan.state == "succeeded", (plan.error, self.project.log(plan.id))
        assert plan.plan is not None

    def stuck(self) -> list[int]:
        with self.project.sessions() as session:
            return [run.id for run in session.query(Run).all() if run.state not in FINAL]


@contextmanager
def ground(
    instance: str = "pwfault",
    before: Callable[[Scratch], None] = lambda scratch: None,
    **extra: str,
) -> Iterator[Ground]:
    """A platform whose workers read the faults, with the project deployed once."""

    def prepared(scratch: Scratch) -> None:
        before(scratch)
        prepare(scratch, extra)

    with platform(instance, prepared) as scratch:
        made = Ground(scratch, scratch.home.parent)
        made.begin()
        yield made


def prepare(scratch: Scratch, extra: dict[str, str]) -> None:
    root = scratch.home.parent
    (root / "places").write_text("\n".join(PLACES))
    scratch.extra |= {
        "PYTHONPATH": str(INJECT),
        "FAULT_FILE": str(root / "fault"),
        "FAULT_PLACES": str(root / "places"),
        **extra,
        # A file in the home that uses the disk up.
        "FAULT_FULL": str(scratch.home / "upload"),
    }


def daemon(scratch: Scratch, name: str) -> int:
    """The pid of one of the platform's daemons."""
    return int(json.loads((scratch.home / "run" / f"{name}.json").read_text())["pid"])
