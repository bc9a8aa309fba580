"""The host itself fails: Postgres and Docker are restarted, the disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from base_images import on_engine, settings
from own_engine import Engine

from bench.faults.ground import Ground, daemon, ground
from bench.faults.points import OTHERS
from bench.scratch import Scratch
from jobs.models import Run
from tools.library import registry, service

NAMED = {point.name: point for point in OTHERS}
FREE_MB = 80


def healthz(scratch: Scratch) -> int:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{scratch.ports[0]}/healthz", timeout=10
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("state", ["building", "planning", "applying"])
def test_postgres_is_restarted_in_the_middle(state: str, on_postgres: Ground) -> None:
    """The API says 503 while it is away; the Run ends, and a version serves."""
    field = on_postgres
    served = field.number_served()
    field.change()
    run = field.project.request("deploy")
    field.wait_state(run, state, patience=60)
    os.kill(daemon(field.scratch, "postgres"), signal.SIGINT)
    time.sleep(2)
    assert healthz(field.scratch) == 503
    field.scratch.quickstart()
    ended = field.wait_final(run)
    assert ended.state in ("succeeded", "failed"), field.project.log(run)
    assert healthz(field.scratch) == 200
    assert field.number_served() in (served, field.number)
    field.change()
    assert field.wait_final(field.project.request("deploy")).state == "succeeded"
    assert field.number_served() == field.number
    field.check_clean(run)


@pytest.fixture(scope="module")
def on_postgres() -> Iterator[Ground]:
    with ground("pwfaultpg", PORTWRIGHT_DATABASE="postgres", PORTWRIGHT_SAMPLE="no") as made:
        yield made


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Ground]:
    """A platform whose home is a file system of its own, which becomes too small for much."""

    def size(scratch: Scratch, *options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "pwfault", str(scratch.home)]
        subprocess.run(command, check=True)

    def mount(scratch: Scratch) -> None:
        scratch.home.mkdir()
        size(scratch, "size=64g", "mode=711")

    settings = {"PORTWRIGHT_MIN_DISK_MB": "40", "PORTWRIGHT_SAMPLE": "no"}
    with ground("pwfaultdisk", mount, **settings) as made:
        used = disk_used_mb(made.scratch.home)
        size(made.scratch, "remount", f"size={used + FREE_MB}m")
        yield made


def disk_used_mb(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 2**20


@pytest.mark.parametrize("name", ["the disk full before the build", "the disk full in an up"])
def test_the_disk_is_full_in_the_middle(small_disk: Ground, name: str) -> None:
    """The Run ends with a release serving, though not a byte can be written at first."""
    field = small_disk
    served = field.number_served()
    field.change()
    field.arm(NAMED[name])
    run = field.project.request("deploy")
    field.wait_struck()
    ended = field.wait_final(run)
    assert ended.state in ("failed", "succeeded"), field.project.log(run)
    if ended.state == "failed":
        assert "disk is full" in ended.error["message"] or "no space left" in ended.error["message"]  # type: ignore[index]
    assert field.number_served() in (served, field.number)
    waits = field.project.request("deploy")
    time.sleep(6)
    with field.project.sessions() as session:
        assert session.get_one(Run, waits).state == "queued", "a full host begins no deploy"
    (field.scratch.home / "upload").unlink()
    assert field.wait_final(waits).state == "succeeded", field.project.log(waits)
    assert field.number_served() == field.number
    field.check_clean(waits)


@pytest.fixture(scope="module")
def own_engine() -> Iterator[tuple[Ground, Engine]]:
    with tempfile.TemporaryDirectory(prefix="pwfault-engine-") as folder:
        engine = Engine(Path(folder), "pwfault0")
        engine.start()
        engine.load(on_engine("python"), on_engine("postgres"))
        # Its builders reach the library by its own bridge.
        address = f"{engine.gateway}:{settings().library_port}"
        library = registry.write_reader(
            service.library_folder(settings().cache), engine.bridge, address
        )
        with pytest.MonkeyPatch.context() as patch, registry.running(library, address):
            patch.setenv("DOCKER_HOST", engine.url)
            try:
                with ground("pwfaultdocker", PORTWRIGHT_SAMPLE="no") as made:
                    yield made, engine
            finally:
                engine.stop()


@pytest.mark.parametrize("state", ["building", "planning", "applying"])
def test_docker_is_killed_in_the_middle(own_engine: tuple[Ground, Engine], state: str) -> None:
    field, engine = own_engine
    served = field.number_served()
    field.change()
    run = field.project.request("deploy")
    field.wait_state(run, state, patience=60)
    engine.kill()
    time.sleep(2)
    engine.start()
    ended = field.wait_final(run)
    assert ended.state in ("failed", "succeeded"), field.project.log(run)
    assert field.number_served() in (served, field.number)
    field.change()
    again = field.wait_final(field.project.request("deploy"))
    assert again.state == "succeeded", field.project.log(again.id)
    assert field.number_served() == field.number
    field.check_clean(again.id)
