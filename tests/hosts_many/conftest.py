"""Other hosts, for real: a VPS that bootstrap made a node, and a platform that deploys to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / room) for room in ("system", "host", "tls")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    from nodes import bootstrap
    from vps import Vps

    vps = Vps("pwnodetest", tmp_path_factory.mktemp("node"))
    try:
        vps.start()
        vps.ssh("apt-get update -qq")
        made = bootstrap(vps, "apply", "--yes", "--role", "node")
        assert made.code == 0, made.output
        assert f"portwright hosts add NAME ssh://root@{vps.address}:22" in made.output
        vps.load("python")
        yield vps
    finally:
        vps.destroy(keep_folder=True)


@pytest.fixture(scope="session")
def field(node: object) -> Iterator[object]:
    from harness import CHECKOUT, Platform
    from nodes import INSTANCE, Field
    from vps import Vps

    assert isinstance(node, Vps)
    home = node.folder / "home"  # a socket's name is short
    extra = {
        "PORTWRIGHT_SAMPLE": "no",
        "PORTWRIGHT_DRIFT_MINUTES": "0",  # no Run that nobody asked for
        "PORTWRIGHT_BACKUP": str(node.folder / "backups"),
        "PORTWRIGHT_BACKUP_HOURS": "0",
    }
    platform = Platform(CHECKOUT, home, INSTANCE, extra=extra)
    try:
        platform.clear_earlier()
        platform.quickstart()
        platform.sign_in()
        yield Field(platform, node)
    finally:
        platform.purge()
