"""What an upgrade asks of whatever keeps portal and worker: pid files, or systemd."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from jobs.settings import Settings


class Keeper(Protocol):
    """settings, folder: what the old portal runs with and from; address: where the new one answers."""

    home: Path
    settings: Settings
    folder: str
    address: str
    remedy: str

    def described(self) -> Mapping[str, Any]:
        """What start_old will need, as JSON takes it: kept where a kill does not reach."""

    def process(self, name: str) -> object | None:
        """What tells its process from any other; None where it does not run."""

    def stop(self, name: str) -> None: ...

    def start(self) -> None:
        """The new portal and worker."""

    def start_old(self, name: str) -> None: ...
