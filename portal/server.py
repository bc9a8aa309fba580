"""gunicorn's configuration: `gunicorn --config python:portal.server --bind ADDRESS portal.wsgi:app`.

One process with threads: a reader of a log holds one for as long as it reads, asleep but for
what is new. The places for readers (portal.streams) are fewer than the threads, so that pages
and webhooks always find one. Preloaded, so that the parent's memory is shared.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from portal.streams import RUN_READERS, SERVICE_READERS, Portal

OTHERS = 64  # pages, API, webhooks

worker_class = "gthread"
workers = 1
threads = RUN_READERS.places + SERVICE_READERS.places + OTHERS
worker_connections = 2 * threads
preload_app = True
graceful_timeout = 10
loglevel = "warning"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """When the portal is told to end, streams end at once and readers come back to the next one."""
    ends = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGQUIT)}

    def end(number: int, frame: FrameType | None) -> None:
        Portal.stopping = True
        handler = ends[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in ends:
        signal.signal(number, end)
