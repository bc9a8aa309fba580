"""Who uses a builder, how it reaches registries, and what keeps builds apart."""

from __future__ import annotations

import fcntl
import os
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.addresses import Guard
from jobs import builders
from jobs.builders import (
    IDLE_SECONDS,
    Registries,
    hostname,
    lock_file,
    namespace,
    owner_of,
    sweep,
)
from jobs.models import Project
from jobs.settings import Settings
from stacks.docker.builds import builder

WORDS = st.text(max_size=8)


def registries(*allowed: str, names: dict[str, list[str]] | None = None) -> Registries:
    return Registries(Guard(allowed, lambda host, port: (names or {})[host]))


def test_a_registry_on_the_hosts_loopback_is_reached_through_the_host_if_permitted() -> None:
    plain = registries()
    plain.add("localhost:5000")
    plain.add("ghcr.io")
    assert not plain.mirrors and not plain.ports
    permitted = registries("127.0.0.0/8")
    permitted.add("127.0.0.1:5000")
    assert permitted.mirrors == {"127.0.0.1:5000": ["host.docker.internal:5000"]}
    assert permitted.plain_http == {"host.docker.internal:5000"} and permitted.ports == {5000}


def test_the_operators_mirrors_need_no_other_permission() -> None:
    found = registries(names={"mirror.example.com": ["10.0.0.7", "1.1.1.1", "fd00::7"]})
    found.add_mirror("docker.io", "127.0.0.1:8703")
    found.add_mirror("docker.io", "mirror.example.com:5000/hub")
    assert found.mirrors == {
        "docker.io": ["host.docker.internal:8703", "mirror.example.com:5000/hub"]
    }
    assert found.allowed == {"10.0.0.7/32", "fd00::7/128"}


def test_permitted_names_and_networks_pass_the_firewall() -> None:
    found = registries("10.1.0.0/16", "git.lan", names={"git.lan": ["192.168.0.2"]})
    assert found.allowed == {"10.1.0.0/16", "192.168.0.2/32"}


@given(
    st.tuples(WORDS, st.dictionaries(WORDS, WORDS, max_size=3)),
    st.tuples(WORDS, st.dictionaries(WORDS, WORDS, max_size=3)),
)
def test_two_builds_share_a_host_name_only_with_equal_secrets_and_trust(
    one: tuple[str, dict[str, str]], other: tuple[str, dict[str, str]]
) -> None:
    project = Project(id=1, name="shop")
    names = [hostname("key", project, domain, secrets) for domain, secrets in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert all(each.isalnum() and len(each) <= 63 for each in names)


def test_projects_and_keys_share_nothing() -> None:
    one, other = Project(id=1, name="q"), Project(id=2, name="q-r")
    assert hostname("key", one, "standing", {}) != hostname("key", other, "standing", {})
    assert namespace("key", one, "standing") != namespace("key", other, "standing")
    assert namespace("key", one, "standing") != namespace("key", one, "previews")
    assert namespace("key", one, "standing") != namespace("other", one, "standing")


def test_a_pull_request_of_a_fork_has_a_builder_of_its_own() -> None:
    assert owner_of("shop", "standing") == owner_of("shop", "previews") == "shop"
    assert owner_of("shop", "fork-12") == "shop.fork-12"


class Builders:
    """In the place of the engine's part: which run, and what was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, running: dict[str, bool]) -> None:
        self.done: list[str] = []
        monkeypatch.setattr(builder, "owners", lambda client, instance: running)
        for name in ("stop", "remove"):
            monkeypatch.setattr(builder, name, self.noting(name))

    def noting(self, what: str) -> Any:
        return lambda client, instance, project: self.done.append(f"{what} {project}")


def unused_for(settings: Settings, project: str, seconds: float) -> None:
    with lock_file(settings, None, project) as file:
        os.utime(file.name, (time.time() - seconds,) * 2)


def test_idle_builders_stop_and_unused_caches_go(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {"busy": True, "idle": True, "stopped": False, "old": False, "gone": True}
    there = Builders(monkeypatch, running)
    for project, seconds in {
        "busy": 0, "idle": IDLE_SECONDS + 1, "stopped": IDLE_SECONDS + 1,
        "old": settings.build_cache_days * 86_400 + 1, "gone": 0,
    }.items():  # fmt: skip
        unused_for(settings, project, seconds)
    client: Any = SimpleNamespace()
    sweep(client, settings, None, {"busy", "idle", "stopped", "old"})
    assert there.done == ["stop idle", "remove old", "remove gone"]


def test_a_builder_in_use_is_left_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Builders(monkeypatch, {"shop": True})
    client: Any = SimpleNamespace()
    with lock_file(settings, None, "shop") as file:
        os.utime(file.name, (0, 0))
        fcntl.flock(file, fcntl.LOCK_SH)
        assert sweep(client, settings, None, set()) == [] and there.done == []
    assert sweep(client, settings, None, set()) == ["shop"] and there.done == ["remove shop"]


def test_a_builder_starts_once_and_is_kept_from_others_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    wanted = SimpleNamespace(name="pw.builder.shop", owner="shop")
    monkeypatch.setattr(builders, "settings_of", lambda context: wanted)
    monkeypatch.setattr(builder, "is_current", lambda client, wanted: bool(started))
    monkeypatch.setattr(builder, "start", lambda client, wanted: started.append(wanted.name))
    project = SimpleNamespace(name="shop", host=None)
    context: Any = SimpleNamespace(
        settings=settings, project=project, docker=None, log=lambda line: None
    )
    with builders.using(context) as name, builders.using(context) as again:
        assert name == again == "pw.builder.shop" and started == [name]
        with lock_file(settings, None, "shop") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
