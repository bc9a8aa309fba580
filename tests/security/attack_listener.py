"""A web server on all addresses of this machine that records who connects and what is asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = b"arrived\n"


@dataclass
class Listener:
    """connections: peers' addresses. paths: of the requests. redirects: path -> URL."""

    port: int
    connections: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)

    def clear(self) -> None:
        self.connections.clear()
        self.paths.clear()


class DualStack(ThreadingHTTPServer):
    """IPv4 and IPv6."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


@contextmanager
def listening() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.paths.append(self.path)
            target = made.redirects.get(self.path)
            self.send_response(302 if target else 200)
            if target:
                self.send_header("Location", target)
            self.send_header("Content-Length", "0" if target else str(len(CONTENT)))
            self.end_headers()
            if not target:
                self.wfile.write(CONTENT)

        def log_message(self, *_: object) -> None:
            pass

    class Server(DualStack):
        def verify_request(self, request: object, client_address: tuple[str, int]) -> bool:
            made.connections.append(client_address[0])
            return True

    server = Server(("::", 0), Handler)
    made = Listener(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
