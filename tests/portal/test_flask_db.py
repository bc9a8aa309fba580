"""Flask-Migrate's commands work on the same migrations as the worker does."""

from __future__ import annotations

import pytest
from flask import Flask

from jobs import versions
from jobs.settings import Settings


def test_a_developer_asks_with_flask_db(
    bare: Flask,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PORTWRIGHT_HOME", str(settings.home))
    done = bare.test_cli_runner().invoke(args=["db", "current"])
    assert done.exit_code == 0 and f"{versions.order()[-1]} (head)" in capfd.readouterr().out
    done = bare.test_cli_runner().invoke(args=["db", "check"])
    assert done.exit_code == 0 and "No new upgrade" in capfd.readouterr().out
