"""The settings as variables, for processes that must see the same ones."""

from __future__ import annotations

from dataclasses import asdict

from jobs.settings import PREFIX, Settings


def environment(settings: Settings) -> dict[str, str]:
    """Every PORTWRIGHT_* variable with its value."""
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in asdict(settings).items()}


def listen(address: str, port: int) -> str:
    """ADDRESS:PORT as a server takes it; an IPv6 address stands in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
