"""Whatever is done in whatever order: database, engine state and labelled containers say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from essence import essence
from harness import Platform
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bench.project import ScratchProject
from jobs.context import open_engine_of
from jobs.models import Release
from jobs.queries import release_numbered
from jobs.vault import open_secrets
from stacks.compile import compile_spec
from stacks.drift import belongs, observe
from stacks.spec import Spec
from stacks.world import Place

NASTY = "`$(reboot)`; ${x} || Host(`x`) \"'\n$${db.url} ../.. --privileged"
SLEEP = ["sleep", "infinity"]
BOUNDS = settings(
    max_examples=3,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
texts = st.sampled_from(["one", "two", NASTY.replace("${x}", "$${x}")])


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """A small project: quick to start, with each kind of thing now and then."""
    web: dict[str, Any] = {
        "image": "portwright/redis:8.0",
        "port": 6379,
        "drain": "0s",
        "stop_grace": "1s",
        "env": {"A": draw(texts), "PW": {"secret": "pw"}},
        "replicas": draw(st.integers(1, 2)),
    }
    services = {"web": web}
    if draw(st.booleans()):
        services["db"] = {
            "image": "portwright/redis:8.0",
            "volumes": {"data": "/data"},
            "env": {"B": draw(texts)},
            "healthcheck": {"command": ["redis-cli", "ping"], "interval": "1s"},
            "stop_grace": "1s",
        }
        web["depends_on"] = {"db": {"cascade": draw(st.booleans())}}
        web["env"]["DB"] = "${db.url}"
    if draw(st.booleans()):
        services["job"] = {"image": "portwright/redis:8.0", "command": ["true"], "restart": "no"}
    return {"services": services, "rollback_window": "0s"}


def compare(project: ScratchProject) -> None:
    """Database = Pulumi state = labelled containers, and nothing differs when inspected."""
    with project.sessions() as session:
        environment = project.environment(session)
        release = release_numbered(session, environment, environment.release)
        ids = open_engine_of(project.settings, environment).resource_ids()
        spec = Spec.model_validate(release.spec) if release else None
        key = project.settings.key("vault-key")
        secrets = open_secrets(session, key, environment.project_id, spec)
    resources = compile_spec(spec, project.settings.instance) if spec else ()
    wanted = [resource for resource in resources if resource.kind == "Container"]
    there = project.containers()
    assert len(there) == len(wanted)
    for resource in wanted:
        (container,) = (each for each in there if belongs(each, resource))
        assert container.id in ids
    containers_in_state = {each for each in ids if re.fullmatch("[0-9a-f]{64}", each)}
    networks = {n.id for n in project.scratch.client.networks.list()}
    assert containers_in_state - networks == {each.id for each in there}
    place = Place(project.settings.instance, project.name, "production")
    assert observe(project.scratch.client, place, resources, secrets) == ()


def machine(platform: Platform, folder: Path) -> type[RuleBasedStateMachine]:
    class Machine(RuleBasedStateMachine):
        count = 0

        @initialize()
        def begin(self) -> None:
            type(self).count += 1
            name = f"machine{self.count}"
            self.project = ScratchProject(platform, folder / name, name)
            self.project.secret("pw", "canary")
            self.project.policy("auto")
            self.damaged = False
            self.seen: dict[int, list[str]] = {}

        def expect(self, kind: str, **more: Any) -> None:
            run = self.project.run(kind, **more)
            assert run.state == "succeeded", (run.error, self.project.log(run.id))
            self.damaged = False
            if run.release:
                self.seen.setdefault(run.release, essence(self.project))

        @rule(content=contents())
        def deploy(self, content: dict[str, Any]) -> None:
            self.project.commit(content)
            self.expect("deploy")

        @rule()
        def set_a_secret(self) -> None:
            self.project.secret("pw", "canary too")

        @precondition(lambda self: self.project.release())
        @rule(data=st.data())
        def rollback(self, data: st.DataObject) -> None:
            with self.project.sessions() as session:
                environment = self.project.environment(session)
                query = session.query(Release).filter_by(environment_id=environment.id)
                numbers = sorted(release.number for release in query)
            number = data.draw(st.sampled_from(numbers))
            self.expect("rollback", release=number)
            assert essence(self.project) == self.seen[number]

        @precondition(lambda self: self.project.containers("web"))
        @rule(how=st.sampled_from(["stop", "kill", "remove", "disconnect"]))
        def harm_a_container(self, how: str) -> None:
            container = self.project.containers("web")[0]
            if how == "remove":
                container.remove(force=True)
            elif how == "disconnect":
                name = f"{self.project.settings.instance}_{self.project.name}_production"
                if name in container.attrs["NetworkSettings"]["Networks"]:
                    platform.client.networks.get(name).disconnect(container)
            elif container.status == "running":
                getattr(container, how)()
            self.damaged = True

        @precondition(lambda self: self.project.containers())
        @rule()
        def remove_the_network(self) -> None:
            name = f"{self.project.settings.instance}_{self.project.name}_production"
            for network in platform.client.networks.list(names=[f"^{name}$"]):
                for container in self.project.containers():
                    if name in container.attrs["NetworkSettings"]["Networks"]:
                        network.disconnect(container, force=True)
                network.remove()
            self.damaged = True

        @precondition(lambda self: self.project.release())
        @rule()
        def reconcile(self) -> None:
            found = self.project.run("drift")
            assert found.plan["empty"] != self.damaged, (found.plan, self.damaged)
            self.expect("reconcile")

        @rule()
        def destroy(self) -> None:
            self.expect("destroy")
            assert self.project.containers() == []

        @invariant()
        def all_agree(self) -> None:
            if not self.damaged:
                compare(self.project)
                if self.project.release():
                    with self.project.sessions() as session:
                        here = self.project.environment(session)
                        release = release_numbered(session, here, here.release)
                        assert release is not None
                    drift = self.project.run("drift")
                    assert drift.plan["empty"], drift.plan

        def teardown(self) -> None:
            if hasattr(self, "project"):
                self.project.run("destroy")

    return Machine


def test_any_order_of_deeds_leaves_all_three_in_agreement(
    platform: Platform, tmp_path: Path
) -> None:
    run_state_machine_as_test(machine(platform, tmp_path), settings=BOUNDS)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def pair(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> list[ScratchProject]:
    folder = tmp_path_factory.mktemp("pair")
    made = [ScratchProject(platform, folder / name, name) for name in ("pair-one", "pair-two")]
    for project in made:
        project.secret("pw", "canary")
        project.policy("auto")
    return made


@settings(BOUNDS, max_examples=3)
@given(first=contents(), second=contents())
def test_the_way_does_not_matter(
    pair: list[ScratchProject], first: dict[str, Any], second: dict[str, Any]
) -> None:
    """apply(A) then apply(B) is apply(B) on a clean host."""
    walked, straight = pair
    walked.deploy(first)
    walked.deploy(second)
    straight.deploy(second)
    assert essence(walked, without_release=True) == essence(straight, without_release=True)
    for project in pair:
        assert project.run("destroy").state == "succeeded"
