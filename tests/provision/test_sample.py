"""The sample's server, with a database that never answers: what it says, and how it ends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "samples/sample/web"
DRIVER = "class Error(Exception): pass\ndef connect(**_): raise Error('no answer')\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PORT = free_port()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    shutil.copytree(WEB, tmp_path / "web")
    app = tmp_path / "web/app.py"
    app.write_text(app.read_text().replace('("0.0.0.0", 8000)', f'("127.0.0.1", {PORT})'))
    (tmp_path / "web/psycopg2.py").write_text(DRIVER)
    env = {**os.environ, "DATABASE_PASSWORD": "x"}
    process = subprocess.Popen([sys.executable, app], env=env, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def ask(line: str, body: str = "") -> socket.socket:
    """A request on a connection that stays open."""
    connection = socket.create_connection(("127.0.0.1", PORT), 10)
    head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body).encode())
    return connection


@pytest.mark.parametrize(("line", "body"), [("GET /health", ""), ("POST /notes", "hello")])
def test_without_its_database_it_is_unavailable(
    server: subprocess.Popen[bytes], line: str, body: str
) -> None:
    with ask(line, body) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 503 ")


def test_it_ends_when_asked_and_answers_what_is_in_flight(server: subprocess.Popen[bytes]) -> None:
    idle = ask("GET /slow?seconds=0")
    assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
    busy = ask("GET /slow?seconds=1")
    time.sleep(0.3)
    server.terminate()
    answer = busy.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in answer
    assert server.wait(3) == 0
    idle.close()
    busy.close()
