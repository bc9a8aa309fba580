"""A node asks the engine which containers there are."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any

import pytest

from jobs.node import containers


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Callable[[int, Any], str]]:
    """An engine's socket that answers once with this code and JSON."""
    servers = []

    def answering(code: int, told: Any) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                body = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        path = tmp_path / "docker.sock"
        server = UnixStreamServer(str(path), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return str(path)

    asked: list[str] = []
    yield answering
    for server in servers:
        server.shutdown()
        server.server_close()
    assert all("portwright.instance%3Dabc" in path for path in asked)


def test_only_this_instances_containers_are_asked_for(engine: Callable[[int, Any], str]) -> None:
    found = [{"Labels": {"portwright.instance": "abc"}}]
    assert containers("abc", engine(200, found)) == found


@pytest.mark.parametrize(
    ("code", "told"), [(500, {"message": "no"}), (200, b"nothing of the kind")]
)
def test_an_engine_in_trouble_is_told(
    engine: Callable[[int, Any], str], code: int, told: Any
) -> None:
    with pytest.raises((OSError, ValueError)):
        containers("abc", engine(code, told))
