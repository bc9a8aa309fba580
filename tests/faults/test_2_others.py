"""Other deaths and pressures: the engine, Redis, Docker, hanging builds, full disks, floods, cancels."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.faults.ground import Ground, daemon
from bench.faults.points import OTHERS
from bench.project import DOCKERFILE
from jobs.ending import cancel
from jobs.models import Project, Run
from stacks.processes import start_time
from stacks.world import Place

NAMED = {point.name: point for point in OTHERS}
HANGS = 'FROM portwright/python:3.13\nCOPY . /app\nRUN sleep 600\nCMD ["python3", "/app/app.py"]\n'


@contextmanager
def committed(field: Ground, dockerfile: str) -> Iterator[None]:
    """The service builds by this Dockerfile for a while."""
    path = field.project.folder / "web/Dockerfile"
    path.write_text(dockerfile)
    field.change()
    try:
        yield
    finally:
        path.write_text(DOCKERFILE)
        field.change()


def cancelled(field: Ground, run_id: int) -> Run:
    with field.project.sessions() as session:
        cancel(session, session.get_one(Run, run_id), by="bob")
    run = field.wait_final(run_id)
    assert run.state == "cancelled" and run.error["message"] == "bob cancelled it"  # type: ignore[index]
    return run


@pytest.mark.parametrize("name", ["the engine killed in a preview", "the engine killed in an up"])
def test_a_killed_engine_fails_the_run_and_the_old_release_serves(field: Ground, name: str) -> None:
    served = field.number_served()
    field.change()
    field.arm(NAMED[name])
    run = field.project.request("deploy")
    field.wait_struck()
    assert field.wait_final(run).state == "failed", field.project.log(run)
    assert field.number_served() == served
    field.check_clean(run)


def test_a_worker_that_dies_twice_leaves_the_old_release(field: Ground) -> None:
    served = field.number_served()
    field.change()
    up = NAMED["the worker stopped, not dead"]
    point = type(up)("twice", up.place)
    field.arm(point, point)
    run = field.wait_final(field.project.request("deploy"))
    assert run.state == "failed" and "attempt before" in run.error["message"]  # type: ignore[index]
    assert field.number_served() == served
    field.check_clean(run.id)


def test_a_recovery_that_dies_is_recovered(field: Ground) -> None:
    field.change()
    first, second = NAMED["the worker stopped, not dead"], NAMED["while putting back"]
    field.arm(type(first)("dies", first.place), second)
    run = field.wait_final(field.project.request("deploy"))
    assert field.faults.read_text() == ""
    assert run.state == "succeeded", field.project.log(run.id)
    assert field.number_served() == field.number
    field.check_clean(run.id)


@pytest.mark.parametrize("state", ["building", "planning", "applying", "verifying"])
def test_cancel_ends_it_with_the_old_release_serving(field: Ground, state: str) -> None:
    served = field.number_served()
    field.change()
    run = field.project.request("deploy")
    field.wait_state(run, state)
    cancelled(field, run)
    assert field.number_served() == served
    field.check_clean(run)


def test_a_build_that_hangs_is_cancelled_and_nothing_of_it_goes_on(field: Ground) -> None:
    with committed(field, HANGS):
        run = field.project.request("deploy")
        deadline = time.monotonic() + 30
        while "sleep 600" not in field.project.log(run):
            assert time.monotonic() < deadline, field.project.log(run)
            time.sleep(0.1)
        time.sleep(1)
        cancelled(field, run)
    deadline = time.monotonic() + 20
    while subprocess.run(["pgrep", "-f", "sleep 600"], capture_output=True).returncode == 0:
        assert time.monotonic() < deadline, "the build goes on"
        time.sleep(0.2)
    field.check_clean(run)


def test_redis_is_flushed_in_the_middle(field: Ground) -> None:
    redis_in_the_middle(field, lambda: cli(field, "FLUSHALL"))


def test_redis_is_killed_in_the_middle_and_comes_back_later(field: Ground) -> None:
    """While it is away, what is asked for is begun all the same."""
    pid = daemon(field.scratch, "redis")
    redis_in_the_middle(field, lambda: os.kill(pid, signal.SIGKILL))
    field.change()
    run = field.wait_final(field.project.request("deploy"))
    assert run.state == "succeeded", field.project.log(run.id)
    field.scratch.quickstart()
    field.change()
    run = field.wait_final(field.project.request("deploy"))
    assert run.state == "succeeded" and field.number_served() == field.number


def cli(field: Ground, command: str) -> None:
    socket = str(field.scratch.home / "run/redis.sock")
    subprocess.run([shutil.which("redis-cli") or "redis-cli", "-s", socket, command], check=True)


def redis_in_the_middle(field: Ground, strike: object) -> None:
    field.change()
    first = field.project.request("deploy")
    field.wait_state(first, "planning")
    later = field.project.request("plan")
    assert callable(strike)
    strike()
    assert field.wait_final(first).state == "succeeded", field.project.log(first)
    assert field.wait_final(later).state == "succeeded", field.project.log(later)
    assert field.number_served() == field.number
    field.check_clean(first)


def test_two_pushes_ten_milliseconds_apart(field: Ground) -> None:
    field.change()
    first = field.project.request("deploy")
    time.sleep(0.01)
    field.change()
    second = field.project.request("deploy")
    assert field.wait_final(second).state == "succeeded"
    assert field.wait_final(first).state in ("succeeded", "superseded")
    assert field.number_served() == field.number
    field.check_clean(second)


def test_fifty_requests_at_once_end_in_one_release_more(field: Ground) -> None:
    field.change()
    before = field.project.release() or 0
    runs: list[int] = []
    threads = [
        threading.Thread(target=lambda: runs.append(field.project.request("deploy")))
        for _ in range(50)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ended = [field.wait_final(run).state for run in runs]
    assert len(runs) == 50 and set(ended) <= {"succeeded", "superseded"}, ended
    assert field.project.release() == before + 1
    assert field.number_served() == field.number


def test_a_repository_that_is_away_fails_in_words(field: Ground) -> None:
    away = field.project.folder.with_name("away")
    field.project.folder.rename(away)
    try:
        run = field.wait_final(field.project.request("deploy"))
        assert run.state == "failed" and run.error["path"] == "repository"  # type: ignore[index]
    finally:
        away.rename(field.project.folder)
    assert field.number_served()


def test_the_worker_is_stopped_politely(field: Ground) -> None:
    """What is being built is handed back, and goes on with the next worker."""
    with committed(field, HANGS.replace("600", "20")):
        run = field.project.request("deploy")
        field.wait_state(run, "building")
        pid = daemon(field.scratch, "worker")
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        while start_time(pid):
            assert time.monotonic() - began < 15, "it does not stop"
            time.sleep(0.1)
        field.wait_state(run, "queued", patience=1)
    field.scratch.quickstart()
    ended = field.wait_final(run)
    assert ended.state == "succeeded", field.project.log(run)
    field.check_clean(run)


def test_all_processes_die_as_with_the_machine(field: Ground) -> None:
    field.change()
    run = field.project.request("deploy")
    field.wait_state(run, "applying")
    for name in ("worker", "portal", "traefik", "redis"):
        os.killpg(daemon(field.scratch, name), signal.SIGKILL)
    with field.project.sessions() as session:
        horse = int((session.get_one(Run, run).worker or "").split(":")[2])
    os.killpg(horse, signal.SIGKILL)
    field.scratch.quickstart()
    ended = field.wait_final(run)
    assert ended.state == "succeeded", field.project.log(run)
    assert field.number_served() == field.number
    field.check_clean(run)


def test_a_project_deleted_in_the_middle_of_its_deploy(field: Ground) -> None:
    from jobs.deletion import request_deletion

    doomed = type(field.project)(field.scratch, field.project.folder.with_name("doomed"), "doomed")
    content = {
        "services": {"one": {"image": "portwright/python:3.13", "command": ["sleep", "infinity"]}}
    }
    doomed.deploy(content)
    doomed.commit(
        {**content, "services": {**content["services"], "two": content["services"]["one"]}}
    )
    deploy = doomed.request("deploy")
    field.wait_state(deploy, "planning", "applying")
    with doomed.sessions() as session:
        project = session.query(Project).filter_by(name="doomed").one()
        (destroy,) = request_deletion(session, doomed.ring, project, by="alice")
    assert field.wait_final(deploy).state == "cancelled"
    assert field.wait_final(destroy.id).state == "succeeded", doomed.log(destroy.id)
    assert doomed.containers() == []
    with doomed.sessions() as session:
        assert session.query(Project).filter_by(name="doomed").count() == 0
    again = type(field.project)(field.scratch, field.project.folder.with_name("doomed2"), "doomed")
    again.deploy(content)
    assert again.run("destroy").state == "succeeded"


def test_what_no_state_knows_is_in_nobodys_way(field: Ground) -> None:
    """A network and containers of our names, as a killed engine or a lost host leaves them."""
    project, client = field.project, field.project.scratch.client
    place = Place(project.settings.instance, project.name, "stray")
    labels = dict(label.split("=") for label in place.filters["label"])
    image = project.containers("web")[0].image

    def stray(network: str) -> None:
        client.containers.create(image, "sleep 600", network=network, labels=labels).start()

    name = "_".join([place.instance, place.project, place.environment])
    client.networks.create(name, labels=labels)
    stray(name)
    field.change()
    run = project.run("deploy", "stray")
    assert run.state == "succeeded", project.log(run.id)
    there = project.containers(environment="stray")
    assert sorted(str(each.labels.get("portwright.service")) for each in there) == ["idle", "web"]

    stray(name)
    gone = project.run("destroy", "stray", every_volume=True)
    assert gone.state == "succeeded", project.log(gone.id)
    assert project.containers(environment="stray") == []
    assert client.networks.list(filters=place.filters) == []
