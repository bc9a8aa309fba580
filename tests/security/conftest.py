"""One database, one engine and a builder per project for the session; projects are registered
by the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attack_ground import Ground, Place, new_ground


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def ground(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[Path], None]
) -> Iterator[Ground]:
    with new_ground(tmp_path_factory.mktemp("security"), new_database, "pwsecurity") as made:
        yield made


@pytest.fixture(scope="session")
def alice(ground: Ground) -> Place:
    """The victim's project."""
    return ground.place("q")


@pytest.fixture(scope="session")
def mallory(ground: Ground) -> Place:
    """The attacker's project, with a name that differs by a hyphen."""
    return ground.place("q-r")
