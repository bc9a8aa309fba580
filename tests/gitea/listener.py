"""A small HTTP server on 127.0.0.1 that keeps what webhooks bring, for tests of those who send them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Delivery:
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return self.headers["X-Gitea-Event"]

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def signed_by(self, secret: str) -> bool:
        """https://docs.gitea.com/usage/webhooks: hex HMAC-SHA256 of the raw body."""
        expected = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, self.headers["X-Gitea-Signature"])


@dataclass
class Listener:
    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)

    def wait(self, event: str, seconds: float = 60, **fields: Any) -> Delivery:
        """The next delivery of this event with these fields, which is then taken away.

        Gitea tells later what was done: a hook may hear of deeds from before it was added.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for delivery in list(self.deliveries):
                if delivery.event == event and fields.items() <= delivery.content.items():
                    self.deliveries.remove(delivery)
                    return delivery
            time.sleep(0.05)
        raise AssertionError(f"no {event} with {fields} within {seconds} s")


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.deliveries.append(Delivery(self.headers, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
