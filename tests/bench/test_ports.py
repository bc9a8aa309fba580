"""Ports that are given to nobody else."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ports import EPHEMERAL, free_ports

CHECKOUT = Path(__file__).resolve().parents[2]
TAKES = """
import sys
from bench.ports import free_ports
print(*free_ports(int(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3]))), flush=True)
sys.stdin.read()
"""


def test_processes_at_once_get_ports_of_their_own_and_a_dead_one_keeps_none() -> None:
    argv = [sys.executable, "-c", TAKES, "30", "16000", "17000"]
    takers = [
        subprocess.Popen(
            argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    try:
        told = [list(map(int, taker.stdout.readline().split())) for taker in takers]  # type: ignore[union-attr]
        ports = [port for each in told for port in each]
        assert [len(each) for each in told] == [30, 30, 30]
        assert len(set(ports)) == 90
        with pytest.raises(RuntimeError, match="30 free ports are wanted"):
            free_ports(30, ports)
    finally:
        for taker in takers:
            taker.kill()
            taker.communicate()
    assert sorted(free_ports(90, ports)) == sorted(ports)


def test_a_port_that_somebody_listens_on_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(RuntimeError, match="1 free ports are wanted, 0 were found"):
            free_ports(1, [taken])


def test_the_same_process_gets_each_once_and_none_that_the_kernel_gives_to_connections() -> None:
    low, high = map(int, EPHEMERAL.read_text().split())
    ports = free_ports(50) + free_ports(50)
    assert len(set(ports)) == 100
    assert not [port for port in ports if low <= port <= high]
