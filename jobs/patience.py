"""Waiting for what comes back by itself: the database, Docker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from docker.errors import DockerException
from requests.exceptions import RequestException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from jobs import ballast
from jobs.settings import Settings
from stacks.errors import PortwrightError

T = TypeVar("T")
PATIENCE = 120.0
STEP = 0.5


def persistently(session: Session, settings: Settings, work: Callable[[], T]) -> T:
    """Do this against the database, again and again for two minutes while it does not answer.

    A disk that is full is given the room that was kept for this. Raises the last
    OperationalError or InterfaceError when its time is up.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            session.rollback()
            if time.monotonic() > deadline:
                raise
            ballast.drop(settings)
            time.sleep(STEP)


def wait_for_docker(ping: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Until the engine answers; False where it does not in that many seconds.

    ping: raises where it does not.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            ping()
            return True
        except (DockerException, RequestException, OSError, PortwrightError):
            time.sleep(STEP)
    return False
