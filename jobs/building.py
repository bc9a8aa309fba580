"""Builds and the pruning of their cache keep out of each other's way, on one host.

The classic builder does not hold on to a cached step between finding it and building on it. A
lock of the system's ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import docker

from jobs.models import now
from jobs.settings import Settings
from stacks import build_cache

log = logging.getLogger(__name__)


@contextmanager
def building(settings: Settings) -> Iterator[None]:
    """Held while a build is at work; there may be several. Waits for a pruning to end."""
    with held(settings, fcntl.LOCK_SH):
        yield


@contextmanager
def nobody_builds(settings: Settings) -> Iterator[bool]:
    """True, and no build begins until this ends; False where one is at work."""
    try:
        with held(settings, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield True
    except BlockingIOError:
        yield False


@contextmanager
def held(settings: Settings, how: int) -> Iterator[None]:
    path = settings.home / "run" / "building.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield


def prune_build_cache(client: docker.DockerClient, settings: Settings) -> list[str]:
    """Remove old steps that builds left, unless a build is at work; returns their ids."""
    with nobody_builds(settings) as alone:
        if not alone:
            return []
        before = now() - timedelta(days=settings.build_cache_days)
        return build_cache.prune(client, settings.instance, before, log.info)
