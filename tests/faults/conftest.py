"""Platforms under fault, with names and ports of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.faults.ground import Ground, ground


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def field() -> Iterator[Ground]:
    """One platform, on SQLite, for all faults that leave its daemons as they are."""
    with ground("pwfaulttest", PORTWRIGHT_SAMPLE="no") as made:
        yield made
