"""Whether portal and worker are well: looked at for a while, for what breaks may break late."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from provision import daemons
from stacks.errors import PortwrightError

# In the order of stopping: what asks for work, then what does it.
NAMES = ("portal", "worker")
# One that asks the database, and a page that people see.
PATHS = ("/healthz", "/sign-in")
STEP = 0.5


def watch(home: Path, address: str, seconds: float) -> None:
    """They stay the same processes, and the portal answers, all the time. Raises PortwrightError."""
    began = {name: daemons.running(home, name) for name in NAMES}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for name in NAMES:
            if began[name] is None or daemons.running(home, name) != began[name]:
                raise ill(f"the {name} ended")
        for path in PATHS:
            try:
                status = httpx.get(f"http://{address}{path}", timeout=5).status_code
            except httpx.HTTPError as error:
                raise ill(f"{path}: {error}") from None
            if status != 200:
                raise ill(f"{path} answers {status}")
        time.sleep(STEP)


def ill(message: str) -> PortwrightError:
    return PortwrightError(message, remedy="look at the end of its log", path="health")
