"""The way to a host, through a real sshd: pinned keys, one process, made anew when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ssh_server import SshServer

from jobs.hosts import tunnel
from jobs.hosts.address import Address
from jobs.hosts.trust import ALLOWED
from jobs.hosts.way import Way
from jobs.source import generate_key
from stacks.errors import PortwrightError
from stacks.processes import start_time


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    made = SshServer(tmp_path / "ssh")
    yield made
    made.stop()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A socket in the place of Docker's, which says hello to whoever connects."""
    path = tmp_path / "docker.sock"
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    door.listen()

    def greet() -> None:
        while True:
            try:
                caller, _ = door.accept()
            except OSError:
                return
            with caller, contextlib.suppress(BrokenPipeError):  # who only looked is gone
                caller.sendall(b"hello")

    threading.Thread(target=greet, daemon=True).start()
    monkeypatch.setattr(tunnel, "ENGINE", str(path))
    yield path
    door.close()


@pytest.fixture
def way(server: SshServer, engine: Path, tmp_path: Path) -> Iterator[Way]:
    private, public = generate_key()
    server.let_in(f"{ALLOWED} {public}")
    address = Address(server.user, "127.0.0.1", server.port)
    pinned = server.host_key().line("127.0.0.1", server.port)
    home = tmp_path / "home"
    yield Way(home, "node", address, private, pinned, 1)
    tunnel.close_all(home)


def says(way: Way) -> bytes:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(20)
        caller.connect(str(way.folder / "engine.sock"))
        return caller.recv(5)


def pid_of(way: Way) -> int:
    return int(json.loads((way.folder / "tunnel.json").read_text())["pid"])


def test_the_engine_is_reached_and_nobody_else_may_use_the_way(way: Way) -> None:
    tunnel.ensure(way)
    assert says(way) == b"hello"
    assert stat.S_IMODE(way.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((way.folder / "engine.sock").stat().st_mode) == 0o600
    words = (Path("/proc") / str(pid_of(way)) / "cmdline").read_bytes()
    assert b"PRIVATE" not in words
    left = [each.name for each in way.folder.iterdir()]
    assert sorted(left) == ["engine.sock", "ssh.log", "tls.sock", "traefik.sock", "tunnel.json"]


def test_whoever_asks_again_or_at_once_gets_the_same_process(way: Way) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tunnel.ensure(way), range(4)))
    first = pid_of(way)
    tunnel.ensure(way)
    assert pid_of(way) == first


def test_one_that_was_killed_is_made_anew(way: Way) -> None:
    tunnel.ensure(way)
    killed = pid_of(way)
    os.kill(killed, signal.SIGKILL)
    os.waitpid(killed, 0)
    tunnel.ensure(way)
    assert pid_of(way) != killed and says(way) == b"hello"


def test_a_changed_host_key_is_refused_and_nothing_goes_there(way: Way, server: SshServer) -> None:
    server.stop()
    server.new_host_key()
    server.process = server.start()
    with pytest.raises(PortwrightError, match="shows another host key than the one") as caught:
        tunnel.ensure(way)
    assert "portwright hosts confirm node" in caught.value.remedy
    assert not (way.folder / "engine.sock").exists()
    new = server.host_key().line("127.0.0.1", server.port)
    tunnel.ensure(replace(way, known_hosts=new))
    assert says(way) == b"hello"


def test_a_key_that_was_not_installed_is_told(way: Way, server: SshServer) -> None:
    server.let_in("")
    with pytest.raises(PortwrightError, match="refuses our key for the user") as caught:
        tunnel.ensure(way)
    assert "authorized_keys" in caught.value.remedy


def test_a_host_without_ssh_is_told(way: Way, server: SshServer) -> None:
    server.stop()
    with pytest.raises(PortwrightError, match="nothing answers at 127"):
        tunnel.ensure(way)


def test_another_key_or_address_is_another_process(way: Way, server: SshServer) -> None:
    tunnel.ensure(way)
    first = pid_of(way)
    tunnel.ensure(replace(way, traefik_port=2))
    assert pid_of(way) != first and start_time(first) is None


def test_closing_ends_the_process_and_leaves_no_socket(way: Way) -> None:
    tunnel.ensure(way)
    pid = pid_of(way)
    assert tunnel.close_all(way.home) == ["node"]
    assert start_time(pid) is None and not way.folder.exists()
    tunnel.close(way.home, "never-there")
