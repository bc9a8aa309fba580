"""Traefik's access log is begun anew once it is too large, and only by the one who writes it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jobs import access_log
from jobs.settings import Settings
from provision.daemons import Daemon, start, stop

OPENS_ANEW = """
import signal, sys
signal.signal(signal.SIGUSR1, lambda *_: open(sys.argv[1], "w").close())
open(sys.argv[2], "w").close()
while True:
    signal.pause()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "log").mkdir()
    return replace(Settings(), home=tmp_path)


def grown(settings: Settings, size: int) -> Path:
    log = settings.home / "log/access.log"
    log.touch()
    os.truncate(log, size)
    return log


def test_one_that_is_too_large_is_set_aside_and_its_writer_told(settings: Settings) -> None:
    log, ready = settings.home / "log/access.log", settings.home / "ready"
    argv = [sys.executable, "-c", OPENS_ANEW, str(log), str(ready)]
    start(settings.home, Daemon("traefik", argv, check=["test", "-e", str(ready)]))
    try:
        grown(settings, access_log.MOST_BYTES)
        assert not access_log.rotate(settings)
        grown(settings, access_log.MOST_BYTES + 1)
        assert access_log.rotate(settings)
        for _ in range(200):
            if log.exists():
                break
            time.sleep(0.05)
        assert log.stat().st_size == 0
        assert log.with_name("access.log.1").stat().st_size == access_log.MOST_BYTES + 1
    finally:
        stop(settings.home, "traefik")


def test_it_stays_where_nobody_is_known_to_write_it(settings: Settings) -> None:
    assert not access_log.rotate(settings)
    log = grown(settings, access_log.MOST_BYTES + 1)
    assert not access_log.rotate(settings)
    (settings.home / "run").mkdir()
    (settings.home / "run/traefik.json").write_text('{"pid": 1, "started": 0}')
    assert not access_log.rotate(settings) and log.exists()
