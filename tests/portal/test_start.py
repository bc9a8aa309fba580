"""A portal that can't start says why in a sentence, not with a trace."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest

from jobs.settings import Settings


@pytest.mark.parametrize("module", ["portal.wsgi", "jobs.worker"])
def test_a_database_that_is_too_old_is_told_with_the_remedy(
    settings: Settings, module: str
) -> None:
    (settings.home / "portwright.db").unlink()
    with sqlite3.connect(settings.home / "portwright.db") as database:
        database.execute("CREATE TABLE projects (id INTEGER)")
    env = {**os.environ, "PORTWRIGHT_HOME": str(settings.home)}
    argv = [sys.executable, "-m", module]
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "made by a Portwright that is too old" in done.stderr
    assert "what to do: give another PORTWRIGHT_HOME" in done.stderr
