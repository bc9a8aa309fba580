"""Which versions of the code may go from a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision import old_versions


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three versions, two of them with the same packages."""
    for name, packages in (("1-a", "venv-a"), ("1-b", "venv-b"), ("1-c", "venv-b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").touch()
        (tmp_path / packages).mkdir(exist_ok=True)
        (tmp_path / packages / "pyvenv.cfg").touch()
        (tmp_path / name / "packages").symlink_to(f"../{packages}")
    return tmp_path


def names(place: Path, current: str, previous: str) -> list[str]:
    for name, target in {"current": current, "previous": previous}.items():
        if target:
            (place / name).symlink_to(place / target)
    return [path.name for path in old_versions.surplus(place)]


def test_the_one_that_serves_and_the_one_before_it_stay(place: Path) -> None:
    assert names(place, "1-c", "1-b") == ["1-a", "venv-a"]


def test_packages_of_one_that_stays_stay(place: Path) -> None:
    assert names(place, "1-a", "1-c") == ["1-b"]


def test_only_what_serves_stays_where_there_was_none_before(place: Path) -> None:
    assert names(place, "1-a", "") == ["1-b", "1-c", "venv-b"]


def test_nothing_goes_where_it_is_unknown_what_serves(place: Path) -> None:
    assert names(place, "", "1-b") == []
    (place / "current").symlink_to(place / "gone")
    assert old_versions.surplus(place) == []


def test_no_packages_go_where_a_version_that_stays_does_not_tell_its_own(place: Path) -> None:
    (place / "1-b/packages").unlink()
    assert names(place, "1-c", "1-b") == ["1-a"]
