"""Approval bound to a plan, drift against the live engine, and the way back by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from base_images import on_engine
from essence import essence
from harness import Platform, until
from sqlalchemy import select

from bench.project import DOCKERFILE, ScratchProject
from jobs.approval import approve, reject
from jobs.models import Release, Run
from stacks.errors import PortwrightError

APP = Path(__file__).resolve().parents[2] / "bench/app/app.py"
CHECK = {"http": "/health", "interval": "1s", "retries": 2}
WEB: dict[str, Any] = {"build": "web", "port": 8000, "healthcheck": CHECK}
HOST = "web.guard.localhost"


@pytest.fixture(scope="module")
def guard(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchProject]:
    made = ScratchProject(platform, tmp_path_factory.mktemp("guard") / "repository", "guard")
    made.write("web/app.py", APP.read_text())
    made.write("web/Dockerfile", DOCKERFILE)
    made.deploy({"services": {"web": WEB, "cache": {"image": "portwright/redis:8.0"}}})
    yield made
    run = made.run("destroy")
    assert run.state == "succeeded", run.error
    assert made.containers() == []


def say(project: ScratchProject, run: Run, plan: str, word: str = "yes") -> Run:
    with project.sessions() as session:
        found = session.get_one(Run, run.id)
        if word == "no":
            reject(session, found, by="bob")
        else:
            approve(session, project.ring, found, plan, by="bob")
    return project.ended(run.id)


def content(colour: str, **more: Any) -> dict[str, Any]:
    return {
        "services": {"web": {**WEB, "env": {"COLOUR": colour}}, **more},
        "rollback_window": "0s",
    }


def test_what_takes_a_service_away_waits_for_a_yes(guard: ScratchProject) -> None:
    guard.commit(content("one"))
    resting = guard.run("deploy")
    assert resting.state == "awaiting_approval" and resting.plan and resting.plan["destructive"]
    assert guard.containers("cache"), "nothing may happen before the yes"
    with pytest.raises(PortwrightError) as caught:
        say(guard, resting, "0" * 64)
    assert "not the one that you have read" in caught.value.message
    done = say(guard, resting, resting.plan["hash"])
    assert done.state == "succeeded" and done.approved_by == "bob"
    assert not guard.containers("cache")
    with pytest.raises(PortwrightError):
        say(guard, resting, resting.plan["hash"])


def test_a_no_ends_it(guard: ScratchProject) -> None:
    guard.policy("always")
    guard.commit(content("two"))
    resting = guard.run("deploy")
    assert resting.state == "awaiting_approval"
    assert say(guard, resting, "", "no").state == "cancelled"


def test_a_plan_that_changed_since_goes_back(guard: ScratchProject, platform: Platform) -> None:
    """Approved is one plan: the host moved on in the meantime, so it is read again."""
    guard.policy("always")
    guard.commit(content("three"))
    resting = guard.run("deploy")
    approved = resting.commit
    guard.commit(content("four"), "Later")  # a branch that moves is not what was agreed to
    (web,) = guard.containers("web")
    web.stop()
    again = say(guard, resting, resting.plan["hash"])
    assert again.state == "awaiting_approval" and again.plan["hash"] != resting.plan["hash"]
    assert again.expected_plan is None and "has changed since" in guard.log(again.id)
    done = say(guard, again, again.plan["hash"])
    assert done.state == "succeeded" and done.commit == approved
    assert platform.get(HOST, "/env?COLOUR").text == "three"
    guard.policy("destructive")


def test_each_kind_of_drift_is_found_and_put_right(
    guard: ScratchProject, platform: Platform
) -> None:
    guard.secret("pw", "canary-772")
    guard.deploy(
        {
            "services": {
                "web": {**WEB, "env": {"PW": {"secret": "pw"}}},
                "cache": {"image": "portwright/redis:8.0", "volumes": {"data": "/data"}},
            }
        }
    )
    assert guard.run("drift").plan["empty"]
    guard.policy("auto")
    client = platform.client
    network = client.networks.get("pwtest_guard_production")

    def stop() -> None:
        guard.containers("web")[0].stop()

    def kill_and_remove() -> None:
        guard.containers("web")[0].remove(force=True)

    def update() -> None:
        guard.containers("web")[0].update(mem_limit="99m", memswap_limit="99m")

    def disconnect() -> None:
        network.disconnect(guard.containers("web")[0])

    def impostor() -> None:
        """The same name and labels, but another environment: only inspecting sees it."""
        (web,) = guard.containers("web")
        old = web.attrs
        web.remove(force=True)
        wrong = [item.replace("canary", "bird") for item in old["Config"]["Env"]]
        client.containers.run(
            old["Image"], name=old["Name"].lstrip("/"), labels=old["Config"]["Labels"],
            environment=wrong, network=network.name, detach=True,
        )  # fmt: skip

    def stranger() -> None:
        labels = dict(guard.containers("web")[0].labels)
        client.containers.create(on_engine("redis"), name="pwtest-stranger", labels=labels)

    def network_gone() -> None:
        for container in guard.containers():
            network.disconnect(container)
        network.remove()

    for deed, words in (
        (stop, "it was stopped"), (kill_and_remove, "it is gone"), (update, "changed on the host"),
        (disconnect, "changed on the host"), (impostor, "changed on the host"),
        (stranger, "no release has it"), (network_gone, "it is gone"),
    ):  # fmt: skip
        deed()
        found = guard.run("drift")
        assert found.state == "succeeded", found.error
        whys = [step["why"] for step in found.plan["steps"]]
        assert any(words in why for why in whys), (deed.__name__, whys)
        assert "canary" not in str(found.plan) and "bird" not in str(found.plan)
        put_right = guard.run("reconcile", plan=found.plan["hash"])
        assert put_right.state == "succeeded", (
            deed.__name__,
            put_right.error,
            guard.log(put_right.id),
        )
        after = guard.run("drift")
        assert after.plan["empty"], (deed.__name__, after.plan)
        assert platform.get(HOST).status_code == 200
        assert len(guard.containers()) == 2


def test_a_release_that_falls_ill_in_its_window_is_rolled_back_by_itself(
    guard: ScratchProject, platform: Platform
) -> None:
    well = guard.deploy({**content("well"), "rollback_window": "1m"})
    ill = guard.deploy({**content("ill"), "rollback_window": "1m"})
    assert platform.get(HOST, "/env?COLOUR").text == "ill"
    platform.get(HOST, "/ill")
    until(lambda: platform.get(HOST, "/env?COLOUR").text == "well", 60)
    until(lambda: guard.release() == ill.release + 1, 30)
    with guard.sessions() as session:
        release = session.scalars(select(Release).order_by(Release.id.desc())).first()
        assert release and release.rollback_of == well.release
        assert "never became healthy" in release.run.options["automatic"]


def test_rollback_restores_what_was_inspected(guard: ScratchProject) -> None:
    first = guard.deploy({"services": {"web": {**WEB, "env": {"PW": {"secret": "pw"}, "N": "1"}}}})
    before = essence(guard)
    guard.secret("pw", "another")
    guard.deploy({"services": {"web": {**WEB, "command": ["python3", "app.py"], "replicas": 2}}})
    assert essence(guard) != before
    back = guard.run("rollback", release=first.release)
    assert back.state == "succeeded", back.error
    assert essence(guard) == before
