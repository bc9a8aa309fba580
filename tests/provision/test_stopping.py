"""Whose containers `./quickstart stop` may touch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.settings import Settings
from provision import stopping


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What Docker was told; it always has two containers."""
    told: list[tuple[str, ...]] = []

    def docker(*argv: str) -> list[str]:
        told.append(argv)
        return ["web", "db"] if argv[0] == "ps" else []

    monkeypatch.setattr(stopping, "docker", docker)
    return told


def home_of(tmp_path: Path, instance: str) -> Settings:
    """A home whose worker ran with this instance's name."""
    (tmp_path / "run").mkdir()
    worker = {"env": {"PORTWRIGHT_INSTANCE": instance}}
    (tmp_path / "run/worker.daemon.json").write_text(json.dumps(worker))
    return Settings(home=tmp_path, instance="abc")


def test_its_own_are_stopped_and_started_again_the_oldest_first(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    settings = home_of(tmp_path, "abc")
    stopping.stop_all(settings)
    assert asked.count(("stop", "web", "db")) == 2  # the builders too
    asked.clear()
    stopping.resume(settings)
    assert asked == [("start", "db"), ("start", "web")]
    assert not stopping.stopped_file(settings).exists()


def test_a_home_that_never_ran_anything_stops_nothing(
    tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    stopping.stop_all(Settings(home=tmp_path, instance="abc"))
    assert not any(argv[0] == "stop" for argv in asked)


def test_another_homes_instance_is_left_alone(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    stopping.stop_all(home_of(tmp_path, "other"))
    assert not any(argv[0] == "stop" for argv in asked)
