"""Flask-Migrate's commands work on the same migrations as the worker does."""

from __future__ import annotations

import os
import subprocess
import sys

from jobs import versions
from jobs.settings import Settings


def test_a_developer_asks_with_flask_db(settings: Settings) -> None:
    env = {**os.environ, "PORTWRIGHT_HOME": str(settings.home)}
    told = []
    for command in ("current", "check"):
        argv = [sys.executable, "-m", "flask", "--app", "portal.wsgi", "db", command]
        done = subprocess.run(argv, env=env, capture_output=True, text=True)
        told.append((done.returncode, done.stdout.strip()))
    assert told == [
        (0, f"{versions.order()[-1]} (head)"),
        (0, "No new upgrade operations detected."),
    ]
