"""One Gitea for the session. Other folders' tests write the same fixture: `from gitea import running`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gitea import Gitea, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def gitea() -> Iterator[Gitea]:
    with running() as made:
        yield made
