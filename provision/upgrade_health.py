"""Whether portal and worker are well: looked at for a while, for what breaks may break late."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from provision.upgrade_note import NAMES
from stacks.errors import PortwrightError

# One that asks the database, and a page that people see.
PATHS = ("/healthz", "/sign-in")
STEP = 0.5
PATIENCE = 60.0

# A daemon's name -> what tells its process from any other; None where it does not run.
Process = Callable[[str], object | None]


def watch(process: Process, address: str, seconds: float) -> None:
    """They stay the same processes, and the portal answers, all the time. Raises PortwrightError."""
    began = {name: process(name) for name in NAMES}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for name in NAMES:
            if began[name] is None or process(name) != began[name]:
                raise ill(f"the {name} ended")
        for path in PATHS:
            told = answer(address, path)
            if told != "200":
                raise ill(f"{path} answers {told}" if told.isdigit() else f"{path}: {told}")
        time.sleep(STEP)


def answers(process: Process, address: str, patience: float = PATIENCE) -> None:
    """Wait until the portal, just started, says anything at all. Raises PortwrightError."""
    began, deadline = process("portal"), time.monotonic() + patience
    while not answer(address, PATHS[0]).isdigit():
        if began is None or process("portal") != began:
            raise ill("the portal ended")
        if time.monotonic() > deadline:
            raise ill(f"the portal did not answer in {patience:.0f} s")
        time.sleep(STEP)


def answer(address: str, path: str) -> str:
    """The status, or why there is none."""
    try:
        return str(httpx.get(f"http://{address}{path}", timeout=5).status_code)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__


def ill(message: str) -> PortwrightError:
    return PortwrightError(message, remedy="look at the end of its log", path="health")
