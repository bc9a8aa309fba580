"""Which versions of the code may go from a host."""

from __future__ import annotations

import os
from pathlib import Path

from provision import old_versions


def version(place: Path, name: str, packages: str, at: int) -> Path:
    folder = place / name
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    (place / packages).mkdir(exist_ok=True)
    (place / packages / "pyvenv.cfg").touch()
    (folder / "packages").symlink_to(f"../{packages}")
    os.utime(folder, (at, at))
    return folder


def names(place: Path) -> list[str]:
    return [path.name for path in old_versions.surplus(place)]


def test_the_one_that_serves_and_the_newest_of_the_others_stay(tmp_path: Path) -> None:
    version(tmp_path, "1-a", "venv-a", 10)
    version(tmp_path, "2-b", "venv-b", 20)
    version(tmp_path, "3-c", "venv-b", 30)
    version(tmp_path, "4-d", "venv-d", 40)
    (tmp_path / "current").symlink_to("4-d")
    assert names(tmp_path) == ["1-a", "2-b", "venv-a"]


def test_an_older_one_that_serves_again_stays(tmp_path: Path) -> None:
    version(tmp_path, "1-a", "venv-a", 10)
    version(tmp_path, "2-b", "venv-b", 20)
    version(tmp_path, "3-c", "venv-c", 30)
    (tmp_path / "current").symlink_to(tmp_path / "1-a")
    assert names(tmp_path) == ["2-b", "venv-b"]


def test_nothing_goes_where_it_is_unknown_what_serves(tmp_path: Path) -> None:
    version(tmp_path, "1-a", "venv-a", 10)
    version(tmp_path, "2-b", "venv-b", 20)
    version(tmp_path, "3-c", "venv-c", 30)
    assert names(tmp_path) == []


def test_no_packages_go_where_a_version_does_not_tell_its_own(tmp_path: Path) -> None:
    version(tmp_path, "1-a", "venv-a", 10)
    (version(tmp_path, "2-b", "venv-b", 20) / "packages").unlink()
    os.utime(tmp_path / "2-b", (20, 20))
    version(tmp_path, "3-c", "venv-c", 30)
    (tmp_path / "current").symlink_to("3-c")
    assert names(tmp_path) == ["1-a"]
