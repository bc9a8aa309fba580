"""The room that is kept back for a full disk."""

from __future__ import annotations

import pytest

from jobs import ballast
from jobs.settings import Settings


@pytest.fixture
def disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """`free`: MB that the disk is said to have."""
    (settings.home / "run").mkdir()
    said = {"free": 1000}
    monkeypatch.setattr(ballast, "disk_free_mb", lambda folder: said["free"])
    return said


def test_it_is_kept_while_there_is_room_and_given_when_there_is_none(
    settings: Settings, disk: dict[str, int]
) -> None:
    path = ballast.path_of(settings)
    disk["free"] = 2 * ballast.SIZE_MB
    ballast.keep(settings)
    assert not path.exists()
    disk["free"] = 1000
    ballast.keep(settings)
    assert path.stat().st_blocks * 512 >= ballast.SIZE_MB * 2**20
    assert not ballast.drop(settings) and path.exists()
    disk["free"] = 0
    assert ballast.was_dropped(settings)
    assert ballast.drop(settings) and not path.exists()
    assert not ballast.drop(settings)
    disk["free"] = ballast.SIZE_MB
    assert ballast.was_dropped(settings)
    disk["free"] = 1000
    assert not ballast.was_dropped(settings)
