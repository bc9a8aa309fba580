"""What tests of several rooms begin with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from jobs.database import create_tables, open_engine
from jobs.settings import Settings

# How fast the machine is decides nothing.
settings.register_profile("portwright", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portwright")


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Gives a home the embedded database as it is when new: made once, by all migrations."""
    made = Settings(home=tmp_path_factory.mktemp("database"))
    engine = open_engine(made.database_url)
    create_tables(engine)
    engine.dispose()

    def give(home: Path) -> None:
        shutil.copy(made.home / "portwright.db", home)

    return give
