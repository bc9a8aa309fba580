"""Waiting for a run: its log as it is written, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cli.client import Client
from cli.errors import Failure
from cli.show import clean, console, line, problem, state

FINAL = ("succeeded", "failed", "cancelled", "superseded")
RESTING = "awaiting_approval"
RESTS = 3
POLL = 0.5
PATIENCE = 60.0


def follow(client: Client, run: int, show: Callable[[str], None] | None = None) -> dict[str, Any]:
    """The run once it is final, or waits for approval. `show` gets the log; a portal that restarts is waited for."""
    offset, lost_at = 0, None
    while True:
        try:
            piece = client.log(run, offset)
            lost_at = None
        except Failure as error:
            lost_at = lost_at or time.monotonic()
            if "reached" not in error.message or time.monotonic() - lost_at > PATIENCE:
                raise
            time.sleep(POLL)
            continue
        if show and piece.text:
            show(piece.text)
        moved, offset = piece.next > offset, piece.next
        if piece.state in (*FINAL, RESTING) and not moved:
            return dict(client.json("GET", f"/api/runs/{run}")["run"])
        if not moved:
            time.sleep(POLL)


def print_log(text: str) -> None:
    console().out(clean(text), end="")


def print_end(run: dict[str, Any]) -> None:
    """How it went; ends the command with exit code 1 where it went wrong, 3 where it waits."""
    number = f", release {run['release']}" if run.get("release") else ""
    line(f"{run['kind']} {run['id']}: ", state(run["state"]), number)
    if run["state"] == "succeeded":
        return
    if run["state"] == RESTING:
        line(f"Its plan waits for a yes: portwright approve {run['id']}")
        raise SystemExit(RESTS)
    error = run.get("error") or {}
    if error:
        problem(str(error.get("message")), str(error.get("remedy", "")), str(error.get("path", "")))
    raise SystemExit(1)
