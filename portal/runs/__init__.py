"""Runs: the page of a run with its plan and its live log."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("runs", __name__)

from portal.runs import pages, queue  # noqa: E402, F401
