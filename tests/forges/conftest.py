from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_servers import Authority, Serve, new_authority, servers


@pytest.fixture
def serve() -> Iterator[Serve]:
    with servers() as start:
        yield start


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return new_authority(tmp_path)
