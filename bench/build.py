"""What a deploy spends between a checkout and an image's ID, beside `buildctl build` of the same files.

Both builders run the same image with the same limits, and both results are loaded into the engine.
Cold: builder and cache are new. Warm: nothing changed. Ignored: a file changed that the build does
not read. Change: one line of the application.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound

from bench.contestants import tree_kb
from bench.downtime import APP
from bench.project import ScratchProject
from bench.scratch import Scratch, platform, say
from jobs import builders, builds
from jobs.context import Context
from jobs.guard import Guard
from jobs.log import RunLog
from jobs.models import Run
from jobs.source import checkout
from jobs.sources import access_of, guard_of, source_of
from stacks.docker.builds import builder
from stacks.docker.builds.builder import BuilderSettings
from stacks.parse import read
from tools.library.recipes import RECIPES

NAME = "built"
SERVICE = "web"
DOCKERFILE = """\
FROM {base}
WORKDIR /app
RUN head -c 2000000 /dev/urandom >installed
COPY . .
RUN touch x
CMD ["sh"]
"""
CASES = ("cold", "warm", "ignored", "change")


class Ours:
    """A project whose image is built by what a Run calls for it."""

    def __init__(self, scratch: Scratch, base: str) -> None:
        self.scratch = scratch
        self.project = ScratchProject(scratch, scratch.home.parent / NAME, NAME)
        self.folder = self.project.folder / "web"
        self.project.write("web/app.py", APP.read_text())
        self.project.write("web/Dockerfile", DOCKERFILE.format(base=base))
        self.project.write("web/.dockerignore", "notes.txt\n")
        self.project.commit({"services": {SERVICE: {"build": "web"}}})
        run = self.project.run("plan")
        assert run.state == "succeeded", (run.error, self.project.log(run.id))
        self.run_id = run.id

    @contextmanager
    def context(self) -> Iterator[Context]:
        """A context as each Run opens it, of the first Run."""
        settings, sessions = self.project.settings, self.project.sessions
        path = self.scratch.home.parent / "build.log"
        with sessions() as session, RunLog(path) as log:
            run = session.get_one(Run, self.run_id)
            run.token = run.token or 0
            yield Context(settings, session, run, log, Guard(settings, sessions, run))

    def settings(self) -> BuilderSettings:
        with self.context() as context:
            return builders.settings_of(context)

    def build(self) -> tuple[float, str]:
        """Seconds that the newest commit's image took, and its ID."""
        with self.context() as context:
            settings, project = context.settings, context.project
            access = access_of(settings, project, source_of(context.session, project))
            mirror = settings.home / "mirrors" / "bench.git"
            folder = settings.home / "checkouts" / "bench"
            resolve = guard_of(settings).resolve
            with checkout(access, "main", mirror, folder, resolve=resolve) as source:
                service = read(source.folder).services[SERVICE]
                began = time.monotonic()
                built = builds.build(context, source, SERVICE, service, {})
                return time.monotonic() - began, built.id

    def forget(self) -> None:
        builder.remove(self.scratch.client, self.scratch.instance, NAME)


@dataclass
class Bare:
    """buildctl and `docker load` with a builder of their own."""

    scratch: Scratch
    folder: Path
    settings: BuilderSettings
    options: list[str] = field(default_factory=list)

    @property
    def buildctl(self) -> list[str]:
        program = self.scratch.home / "bin" / "buildctl"
        return [str(program), "--addr", f"docker-container://{self.settings.name}"]

    @property
    def tag(self) -> str:
        return f"{self.settings.instance}/{self.settings.project}"

    def start(self) -> None:
        container = builder.find(self.scratch.client, self.settings.name)
        if container is None:
            container = builder.create(self.scratch.client, self.settings)
        container.start()
        while subprocess.run([*self.buildctl, "debug", "workers"], capture_output=True).returncode:
            time.sleep(0.05)

    def build(self) -> tuple[float, str]:
        began = time.monotonic()
        if not builder.is_current(self.scratch.client, self.settings):
            self.start()
        argv = [*self.buildctl, "build", "--frontend", "dockerfile.v0"]
        argv += ["--local", f"context={self.folder}", "--local", f"dockerfile={self.folder}"]
        argv += [*self.options, "--output", f"type=docker,name={self.tag}"]
        with (
            (self.scratch.home.parent / "bare.log").open("wb") as log,
            subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log) as build,
        ):
            load = subprocess.run(["docker", "load", "--quiet"], stdin=build.stdout)
        assert build.returncode == load.returncode == 0, argv
        image = str(self.scratch.client.images.get(self.tag).id)
        return time.monotonic() - began, image

    def forget(self) -> None:
        builder.remove(self.scratch.client, self.settings.instance, self.settings.project)

    def clear(self) -> None:
        self.forget()
        with suppress(ImageNotFound):
            self.scratch.client.images.remove(self.tag, force=True)


def change(ours: Ours, case: str, number: int) -> None:
    """Bring about what the case is about; a builder that is forgotten is made again by the build."""
    if case in ("cold", "change"):
        with (ours.folder / "app.py").open("a") as file:
            file.write(f"# {case} {number}\n")
    if case == "ignored":
        (ours.folder / "notes.txt").write_text(f"{number}\n")
    ours.project.commit()


def compare(ours: Ours, bare: Bare, rounds: int) -> dict[str, list[float]]:
    """Seconds of each case, in turns; each of the two is first in every other round."""
    times: dict[str, list[float]] = {f"{who}{case}": [] for who in ("", "bare_") for case in CASES}
    for number in range(rounds):
        for case in CASES:
            change(ours, case, number)
            turns: list[tuple[str, Ours | Bare]] = [("", ours), ("bare_", bare)]
            for who, each in turns if number % 2 else turns[::-1]:
                if case == "cold":
                    each.forget()
                times[f"{who}{case}"].append(each.build()[0])
            say(
                f"round {number + 1} of {rounds}: {case} {times[case][-1]:.2f} s, "
                f"buildctl {times[f'bare_{case}'][-1]:.2f} s"
            )
    return times


def starting(ours: Ours, rounds: int) -> dict[str, float]:
    """Seconds until a builder answers: a new one, and one that is stopped; MB of an idle one, just
    started and after builds."""
    client, wanted = ours.scratch.client, ours.settings()
    new, stopped = [], []
    used_mb = memory_mb(ours)
    for _ in range(rounds):
        ours.forget()
        new.append(timed(lambda: builder.start(client, wanted)))
        builder.stop(client, wanted.instance, wanted.project)
        stopped.append(timed(lambda: builder.start(client, wanted)))
    return {
        "start_new_s": middle(new),
        "start_stopped_s": middle(stopped),
        "idle_new_mb": memory_mb(ours),
        "idle_used_mb": used_mb,
    }


def memory_mb(ours: Ours) -> float:
    """The proportional set size of the builder's processes, after a pause."""
    time.sleep(2)
    name = builder.builder_name(ours.scratch.instance, NAME)
    state = ours.scratch.client.containers.get(name).attrs["State"]
    return round(tree_kb(state["Pid"]) / 1024, 1)


def sharing(first: Bare, rounds: int) -> dict[str, float]:
    """A second project's first build: in a builder of its own, and in that of the first project.

    Its own hostname keeps the results of commands apart in both cases.
    """
    second = replace(first, options=["--opt", "build-arg:BUILDKIT_SANDBOX_HOSTNAME=second"])
    own, shared, own_mb, shared_mb = [], [], [], []
    for _ in range(rounds):
        first.forget()
        own.append(second.build()[0])
        own_mb.append(volume_mb(first))
        first.forget()
        first.build()
        before = volume_mb(first)
        shared.append(second.build()[0])
        shared_mb.append(volume_mb(first) - before)
    return {
        "second_own_s": middle(own),
        "second_shared_s": middle(shared),
        "second_own_mb": middle(own_mb),
        "second_shared_mb": middle(shared_mb),
    }


def volume_mb(bare: Bare) -> float:
    """What a builder's cache takes on the disk."""
    volume = bare.scratch.client.volumes.get(bare.settings.name)
    done = subprocess.run(
        ["du", "-s", "-k", volume.attrs["Mountpoint"]], capture_output=True, text=True
    )
    assert done.stdout, done.stderr
    return int(done.stdout.split()[0]) / 1024


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def middle(values: list[float]) -> float:
    return round(statistics.median(values), 3)


def measure(rounds: int, base: str) -> dict[str, Any]:
    """base: the name of an image of the library; a small one shows the overhead best."""
    with platform("pwbenchbuild", lambda s: s.extra.update(PORTWRIGHT_SAMPLE="no")) as scratch:
        scratch.run(sys.executable, "-m", "tools.library", "ensure", base)
        ours = Ours(scratch, RECIPES[base].reference)
        wanted = replace(ours.settings(), instance=f"{scratch.instance}x", owner="bare")
        bare = Bare(scratch, ours.folder, wanted)
        try:
            bare.clear()
            times = compare(ours, bare, rounds)
            figures = {f"{name}_s": middle(values) for name, values in times.items()}
            figures |= starting(ours, rounds) | sharing(bare, min(rounds, 3))
        finally:
            bare.clear()
    for case in CASES:
        overhead = figures[f"{case}_s"] - figures[f"bare_{case}_s"]
        figures[f"overhead_{case}_s"] = round(overhead, 3)
    return {**figures, "base": base, "rounds": rounds, "times": times}
