"""Where the builder's image comes from, and which versions of it are removed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from stacks.docker.builds import builder_image
from stacks.docker.builds.builder_image import NAME, image_file, image_key, packed_path
from stacks.errors import PortwrightError

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in builder_image.BINARIES:
        (folder / name).touch()
    return folder


class Images:
    """An engine's images: tag -> when it was made. used: tags of containers' images."""

    def __init__(self, made: dict[str, str], used: set[str]) -> None:
        self.made, self.used = made, used

    def list(self, name: str) -> list[Any]:
        assert name == NAME
        return [SimpleNamespace(tags=[tag], attrs={"Created": at}) for tag, at in self.made.items()]

    def remove(self, tag: str) -> None:
        if tag in self.used:
            raise APIError("conflict: a container is using its referenced image")
        del self.made[tag]


def test_earlier_images_that_no_container_uses_are_removed_once_they_are_a_day_old(
    binaries: Path,
) -> None:
    current = f"{NAME}:{image_key(binaries)}"
    images = Images(
        {
            current: "2025-12-01T00:00:00.000000001Z",
            f"{NAME}:used": "2025-12-01T00:00:00.000000001Z",
            f"{NAME}:old": "2026-01-01T11:59:59.000000001Z",
            f"{NAME}:new": "2026-01-01T12:00:01.000000001Z",
        },
        used={f"{NAME}:used"},
    )
    client: Any = SimpleNamespace(images=images)
    assert builder_image.remove_old_images(client, binaries, NOON) == [f"{NAME}:old"]
    assert set(images.made) == {current, f"{NAME}:used", f"{NAME}:new"}


def test_an_image_in_the_cache_is_used_without_writing_there(
    tmp_path: Path, binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(builder_image, "make", refuse)
    file = packed_path(tmp_path / "cache", image_key(binaries))
    with pytest.raises(PortwrightError, match=r"could not be made.*Read-only") as caught:
        image_file(tmp_path / "cache", binaries, print)
    assert "portwright host apply" in caught.value.remedy
    file.touch()
    assert image_file(tmp_path / "cache", binaries, print) == file
