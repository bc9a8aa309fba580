"""Destroying, a killed worker, another first deploy: the environment ends as it should."""

from __future__ import annotations

import json
import os
import signal

from harness import Platform, Repository, until
from test_2_releases import reset


def volumes(platform: Platform) -> list[str]:
    label = {"label": f"portwright.instance={platform.instance}"}
    return [volume.name for volume in platform.client.volumes.list(filters=label)]


def test_destroy_keeps_the_volume_and_a_new_deploy_finds_its_data(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    platform.get("web.sample.localhost", "/notes", "POST", "outlives a destroy")
    platform.cli("destroy", "sample", "--yes")
    assert platform.containers() == []
    assert platform.client.networks.list(filters={"label": "portwright.instance=pwtest"}) == []
    assert volumes(platform) == ["pwtest_sample_production_db_data"]
    assert platform.get("web.sample.localhost").status_code == 404
    reset(platform)
    assert "outlives a destroy" in platform.get("web.sample.localhost", "/notes").json()


def test_destroy_deletes_the_volume_that_was_named(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    platform.cli("destroy", "sample", "--yes", "--volume", "db_data")
    assert volumes(platform) == []
    reset(platform)
    assert platform.get("web.sample.localhost", "/notes").json() == []


def test_a_destroy_that_names_no_volume_of_its_own_destroys_nothing(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    done = platform.cli("destroy", "sample", "--yes", "--volume", "web_data", check=False)
    assert done.returncode == 1 and "no volume 'web_data'" in done.stdout + done.stderr
    assert platform.health()["status"] == "ok"


def test_a_first_deploy_that_fails_leaves_no_container(
    platform: Platform, repository: Repository
) -> None:
    platform.cli("destroy", "sample", "--yes")
    repository.replace("web/Dockerfile", '"app.py"]', '"missing.py"]')
    repository.push("Never started")
    done = platform.cli("deploy", "sample", check=False)
    assert done.returncode == 1
    assert platform.containers() == []
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.git("push", "--quiet", "--force", "origin", "HEAD:main")
    reset(platform)
    assert platform.health()["status"] == "ok"


def test_a_killed_worker_and_engine_leave_no_run_behind(
    platform: Platform, repository: Repository
) -> None:
    """kill -9 of the whole worker in mid-apply: the next worker puts all right and begins again."""
    number = reset(platform)
    repository.replace("web/VERSION", "1.0", "9.0")
    repository.push("Killed half-way")
    platform.cli("deploy", "sample", "--no-follow")
    until(lambda: platform.last_run()["state"] == "applying")
    until(lambda: len(platform.containers("web")) == 2)
    worker = json.loads((platform.home / "run/worker.json").read_text())["pid"]
    for pid in family(worker):
        os.kill(pid, signal.SIGKILL)
    platform.quickstart()
    run = until(lambda: (r := platform.last_run())["state"] in ("succeeded", "failed") and r, 60)
    assert (run["state"], run["attempts"]) == ("succeeded", 2)
    assert platform.release() == number + 1
    assert platform.health()["version"] == "9.0"
    until(lambda: len(platform.containers("web")) == 1)
    assert len(platform.containers()) == 2


def family(pid: int) -> list[int]:
    """A process and all its descendants, eldest first."""
    found = [pid]
    for task in (f"/proc/{pid}/task/{t}/children" for t in os.listdir(f"/proc/{pid}/task")):
        with open(task) as file:
            for child in file.read().split():
                found += family(int(child))
    return found


def test_refresh_and_history_read_the_real_state(
    platform: Platform, repository: Repository
) -> None:
    """A container that somebody removed by hand: the next plan says so and the deploy mends it."""
    reset(platform)
    (web,) = platform.containers("web")
    web.remove(force=True)
    run = platform.run(".venv/bin/python", "-m", "jobs.admin", "refresh", "sample", "--wait")
    assert "succeeded" in run.stdout
    plan = platform.plan()
    (step,) = plan["steps"]
    assert (step["service"], step["action"], step["why"]) == (
        "web", "create", "drift: it is gone from the host",
    )  # fmt: skip
    platform.cli("deploy", "sample")
    assert platform.health()["status"] == "ok"
    history = platform.run(".venv/bin/python", "-m", "jobs.admin", "history", "sample").stdout
    newest = json.loads(history)[0]
    assert (newest["kind"], newest["result"]) == ("update", "succeeded")
