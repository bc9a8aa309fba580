"""Which pushes deploy an environment, for display."""

from __future__ import annotations

from forges.filters import Filters
from jobs.models import Environment
from jobs.pushes import filters_of
from stacks.errors import PortwrightError


def pushes_of(environment: Environment) -> Filters | None:
    """None where none does, also where what an older version kept can't be used any more."""
    try:
        return filters_of(environment)
    except PortwrightError:
        return None
